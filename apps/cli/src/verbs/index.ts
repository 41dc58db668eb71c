import type { Command } from "commander";
import type { Action } from "../run.ts";
import { addAttach } from "./attach.ts";
import { addBlob } from "./blob.ts";
import { addCompletion } from "./completion.ts";
import { addConfig } from "./config.ts";
import { addCp } from "./cp.ts";
import { addDiscover } from "./discover.ts";
import { addDu } from "./du.ts";
import { addExport } from "./export.ts";
import { addFsck } from "./fsck.ts";
import { addGc } from "./gc.ts";
import { addGraph } from "./graph.ts";
import { addImport } from "./import.ts";
import { addIndexLayout } from "./index-layout.ts";
import { addInit } from "./init.ts";
import { addInspect } from "./inspect.ts";
import { addLs } from "./ls.ts";
import { addManifest } from "./manifest.ts";
import { addPin, addUnpin } from "./pin.ts";
import { addPull } from "./pull.ts";
import { addPush } from "./push.ts";
import { addReferrers } from "./referrers.ts";
import { addResolve } from "./resolve.ts";
import { addRm } from "./rm.ts";
import { addRoots } from "./roots.ts";
import { addStats } from "./stats.ts";
import { addTag } from "./tag.ts";
import { addTags } from "./tags.ts";
import { addTrash } from "./trash.ts";
import { addTree } from "./tree.ts";
import { addUndo } from "./undo.ts";
import { addUntag } from "./untag.ts";
import { addUploads } from "./uploads.ts";
import { addVersion } from "./version.ts";
import { addWalkthrough } from "./walkthrough.ts";
import { addWhy } from "./why.ts";

/** In the order of the help, and of docs/cli.md. */
const GROUPS: readonly (readonly [string, readonly ((program: Command, action: Action) => void)[]])[] = [
  ["Put in, take out", [addInit, addPush, addAttach, addPull, addCp]],
  ["Look", [addLs, addTags, addResolve, addInspect, addTree, addDiscover, addReferrers]],
  ["Name", [addTag, addUntag, addPin, addUnpin]],
  ["Delete, and bring back", [addRm, addGc, addUndo, addTrash]],
  ["Explain", [addWhy, addRoots, addDu, addStats, addGraph]],
  ["Check and mend", [addFsck]],
  ["Archives", [addExport, addImport]],
  ["Parts and policy", [addManifest, addBlob, addUploads, addConfig, addIndexLayout]],
  ["The command itself", [addCompletion, addVersion, addWalkthrough]],
];

export function addVerbs(program: Command, action: Action): void {
  for (const [heading, verbs] of GROUPS) {
    program.commandsGroup(`${heading}:`);
    for (const add of verbs) add(program, action);
  }
}
