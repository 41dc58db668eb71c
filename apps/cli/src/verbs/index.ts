import type { Command } from "commander";
import type { Action } from "../run.ts";
import { addDu } from "./du.ts";
import { addFsck } from "./fsck.ts";
import { addGc } from "./gc.ts";
import { addGraph } from "./graph.ts";
import { addInit } from "./init.ts";
import { addInspect } from "./inspect.ts";
import { addLs } from "./ls.ts";
import { addPush } from "./push.ts";
import { addRm } from "./rm.ts";
import { addRoots } from "./roots.ts";
import { addTag } from "./tag.ts";
import { addTree } from "./tree.ts";
import { addUntag } from "./untag.ts";
import { addVersion } from "./version.ts";
import { addWalkthrough } from "./walkthrough.ts";
import { addWhy } from "./why.ts";

/** In the order of the help: put in, look, name, delete, explain, check. */
export function addVerbs(program: Command, action: Action): void {
  for (const add of [addInit, addPush, addLs, addInspect, addTree, addTag, addUntag, addRm, addGc])
    add(program, action);
  for (const add of [addWhy, addRoots, addDu, addGraph, addFsck, addVersion, addWalkthrough]) add(program, action);
}
