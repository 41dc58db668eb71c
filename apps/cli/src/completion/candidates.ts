import type { Command, Option } from "commander";
import { Context } from "../context.ts";
import { pinsIn, runsIn, storesAndTags, tagsBeside, uploadsIn } from "./from-stores.ts";

/** A word that could stand where the cursor is, and what it is. */
export interface Candidate {
  readonly word: string;
  readonly about?: string | undefined;
}

/** Where the cursor is: at an option's value, or at what a command takes next. */
interface Spot {
  readonly command: Command;
  /** The option that the word is a value of. */
  readonly option: Option | undefined;
  /** The words of the command so far that are neither options nor their values. */
  readonly words: readonly string[];
  /** After `--` nothing is an option. */
  readonly isLiteral: boolean;
  readonly store: string | undefined;
}

/**
 * What could stand in place of the last of `words`, which may be empty. The words are those after `ocistore`; what cannot
 * be looked at, a store that is none for one, has nothing to offer.
 */
export async function candidates(
  context: Context,
  program: Command,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? "";
  const spot = spotOf(program, words.slice(0, -1));
  const { io, out, signal } = context;
  const inside = new Context(io, out, { signal, store: spot.store });
  const all = await offered(inside, program, spot, typed);
  return all.filter(({ word }) => word.startsWith(typed));
}

function spotOf(program: Command, before: readonly string[]): Spot {
  let command = program;
  let option: Option | undefined;
  let words: string[] = [];
  let isLiteral = false;
  let store: string | undefined;
  for (const word of before) {
    if (option) {
      if (option.long === "--store") store = word;
      option = undefined;
    } else if (isLiteral || !word.startsWith("-") || word === "-") {
      const verb = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (verb && !isLiteral) {
        command = verb;
        words = [];
      } else words.push(word);
    } else if (word === "--") isLiteral = true;
    else if (word.startsWith("--store=")) store = word.slice("--store=".length);
    else
      option = optionsOf(program, command).find((each) => each.required && (each.short === word || each.long === word));
  }
  return { command, option, words, isLiteral, store };
}

async function offered(context: Context, program: Command, spot: Spot, typed: string): Promise<readonly Candidate[]> {
  const { command, option, words, isLiteral } = spot;
  if (option) return valuesOf(context, option.attributeName(), option.flags, option.argChoices, typed);
  if (typed.startsWith("-") && !isLiteral) return flags(program, command);
  if (command.commands.length > 0) return verbs(command);
  const { registeredArguments } = command;
  const argument = registeredArguments[words.length] ?? registeredArguments.at(-1);
  if (!argument || (words.length >= registeredArguments.length && !argument.variadic)) return [];
  if (argument.argChoices) return argument.argChoices.map((word) => ({ word }));
  switch (argument.name()) {
    case "new":
      return tagsBeside(context, words[0]);
    case "run":
      return [...(await runsIn(context, undefined)), ...(await storesAndTags(context, typed, { tags: false }))];
    case "id":
      return uploadsIn(context, words[0]);
    case "name":
      return pinsIn(context, words[0]);
    case "verb":
      return verbs(program);
    case "file":
      return [];
    case "place":
    case "words":
      return storesAndTags(context, typed, { tags: false });
    default:
      return storesAndTags(context, typed, { tags: true });
  }
}

async function valuesOf(
  context: Context,
  name: string,
  flags: string,
  choices: readonly string[] | undefined,
  typed: string,
): Promise<readonly Candidate[]> {
  if (choices) return choices.map((word) => ({ word }));
  if (name === "run") return runsIn(context, undefined);
  return flags.includes("<place>") ? storesAndTags(context, typed, { tags: false }) : [];
}

function verbs(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((verb) => ({ word: verb.name(), about: verb.description() }));
}

function flags(program: Command, command: Command): Candidate[] {
  return optionsOf(program, command).flatMap(({ long, hidden, description }) =>
    long && !hidden ? [{ word: long, about: description }] : [],
  );
}

function optionsOf(program: Command, command: Command): readonly Option[] {
  const own = command.createHelp().visibleOptions(command);
  return command === program ? own : [...own, ...program.options];
}
