import { printable } from "@ocistore/core";
import type { Picture } from "../verbs/graph.ts";

type Label = (digest: string) => readonly string[];
type Format = (picture: Picture, label: Label) => Generator<string>;

/** Ways to write a picture down. Text from a store is escaped by the rules of each: it must stay a label. */
export const graphFormats: { readonly mermaid: Format; readonly dot: Format } = { mermaid, dot };

/** @see https://mermaid.js.org/syntax/flowchart.html */
function* mermaid({ digests, edges, tags }: Picture, label: Label): Generator<string> {
  const ids = new Map(digests.map((digest, at) => [digest, `n${at}`]));
  yield "flowchart LR";
  for (const digest of digests) yield `  ${ids.get(digest)}["${label(digest).map(mermaidText).join("<br/>")}"]`;
  for (const [at, { tag, to }] of tags.entries()) yield `  t${at}(["${mermaidText(tag)}"]) --> ${ids.get(to)}`;
  for (const { from, to, edge } of edges) {
    const arrow = edge === "subject" ? "-.->" : "-->";
    yield `  ${ids.get(from)} ${arrow}|${edge}| ${ids.get(to)}`;
  }
}

/** @see https://graphviz.org/doc/info/lang.html */
function* dot({ digests, edges, tags }: Picture, label: Label): Generator<string> {
  yield "digraph store {";
  yield "  rankdir=LR; node [shape=box];";
  for (const digest of digests) yield `  ${dotText([digest])} [label=${dotText(label(digest))}];`;
  for (const [at, { tag, to }] of tags.entries()) {
    yield `  "tag ${at}" [shape=oval, label=${dotText([tag])}];`;
    yield `  "tag ${at}" -> ${dotText([to])};`;
  }
  for (const { from, to, edge } of edges) {
    const style = edge === "subject" ? ", style=dashed" : "";
    yield `  ${dotText([from])} -> ${dotText([to])} [label="${edge}"${style}];`;
  }
  yield "}";
}

function mermaidText(text: string): string {
  return printable(text).replace(/["#&<>`\\]/g, (character) => `#${character.codePointAt(0)};`);
}

function dotText(lines: readonly string[]): string {
  return `"${lines.map((line) => printable(line).replace(/["\\]/g, "\\$&")).join("\\n")}"`;
}
