import type { Case } from "../case.ts";
import { blob, copyLarge, copyMany } from "./bytes.ts";
import { catalogCases } from "./catalog.ts";
import { deletion, gc, push } from "./changing.ts";
import { du, fsck, open } from "./looking.ts";
import { mark } from "./mark.ts";

export const CASES: readonly Case[] = [
  open,
  push,
  deletion,
  gc,
  du,
  fsck,
  blob,
  copyLarge,
  copyMany,
  mark,
  ...catalogCases,
];
