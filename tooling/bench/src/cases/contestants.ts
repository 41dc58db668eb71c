import { fileURLToPath } from "node:url";
import type { Contestant, Place } from "../case.ts";
import { programOf } from "../peers.ts";
import { SUBJECTS } from "../process/subjects.ts";

// Built, whichever of the two this file is: a child process runs no TypeScript.
const script = (name: string) => fileURLToPath(new URL(`../../dist/process/${name}.js`, import.meta.url));

type Argv = (place: Place) => readonly string[];

/** Ours, on a layout as it is. */
export function ours(command: string, argv: Argv): Contestant {
  return oursAs("layout", command, argv);
}

/** The same, and with a catalog. */
export function bothOfOurs(command: string, argv: Argv): Contestant[] {
  return [ours(command, argv), { ...oursAs("sqlite", command, argv), hasCatalog: true }];
}

function oursAs(subject: keyof typeof SUBJECTS, command: string, argv: Argv): Contestant {
  const { name: who } = SUBJECTS[subject];
  return { who, command, argv: (place) => [process.execPath, script("ours"), subject, ...argv(place)] };
}

/** What the machine needs for a part of the work, in the same Node. */
export function bare(who: string, command: string, argv: Argv): Contestant {
  return { who, command, argv: (place) => [process.execPath, script("bare"), ...argv(place)], isBare: true };
}

export function inNode(who: string, command: string, name: string, argv: Argv, o: Partial<Contestant>): Contestant {
  return { who, command, argv: (place) => [process.execPath, script(name), ...argv(place)], ...o };
}

export function peer(who: string, command: string, argv: Argv): Contestant {
  return {
    who,
    command,
    isPeer: true,
    argv: (place) => {
      const [name = "", ...rest] = argv(place);
      return [programOf(name), ...rest];
    },
  };
}

/** Several commands of a peer, one after the other. */
export function shell(who: string, command: string, line: Argv): Contestant {
  return { who, command, argv: (place) => ["sh", "-ec", ...line(place)], isPeer: true };
}
