import { DESCRIPTORS } from "./descriptors.ts";
import { DIGESTS } from "./digests.ts";
import { LAYOUTS } from "./layouts.ts";
import { MANIFESTS } from "./manifests.ts";
import { NAMES } from "./names.ts";

export const ROWS = [...DIGESTS, ...DESCRIPTORS, ...MANIFESTS, ...NAMES, ...LAYOUTS];
