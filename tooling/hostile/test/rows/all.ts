import { DESCRIPTORS } from "./descriptors.ts";
import { DIGESTS } from "./digests.ts";

export const ROWS = [...DIGESTS, ...DESCRIPTORS];
