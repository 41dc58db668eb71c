import type { Command } from "commander";
import type { Action } from "../run.ts";
import { addBlob } from "./blob.ts";
import { addConfig } from "./config.ts";
import { addCp } from "./cp.ts";
import { addDu } from "./du.ts";
import { addExport } from "./export.ts";
import { addFsck } from "./fsck.ts";
import { addGc } from "./gc.ts";
import { addGraph } from "./graph.ts";
import { addImport } from "./import.ts";
import { addInit } from "./init.ts";
import { addInspect } from "./inspect.ts";
import { addLs } from "./ls.ts";
import { addPush } from "./push.ts";
import { addRm } from "./rm.ts";
import { addRoots } from "./roots.ts";
import { addTag } from "./tag.ts";
import { addTrash } from "./trash.ts";
import { addTree } from "./tree.ts";
import { addUndo } from "./undo.ts";
import { addUntag } from "./untag.ts";
import { addUploads } from "./uploads.ts";
import { addVersion } from "./version.ts";
import { addWalkthrough } from "./walkthrough.ts";
import { addWhy } from "./why.ts";

/** In the order of the help: put in, look, name, delete, explain, check. */
export function addVerbs(program: Command, action: Action): void {
  for (const add of [
    addInit,
    addPush,
    addCp,
    addLs,
    addInspect,
    addTree,
    addTag,
    addUntag,
    addRm,
    addGc,
    addUndo,
    addTrash,
    addConfig,
    addExport,
    addImport,
    addBlob,
    addUploads,
  ])
    add(program, action);
  for (const add of [addWhy, addRoots, addDu, addGraph, addFsck, addVersion, addWalkthrough]) add(program, action);
}
