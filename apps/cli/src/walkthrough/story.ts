import type { Digest } from "@ocistore/core";
import type { Guide } from "./guide.ts";
import { inputFile } from "./layer.ts";

/** The walk through a store that was just built; `place` is `oci:DIR`. */
export async function tellStory(guide: Guide, place: string, base: Digest): Promise<void> {
  guide.step(
    "What there is",
    `Two versions of one image, each for two platforms, built from the files in apps/cli/walkthrough. 2.0 has a second
    tag. It all lies in one OCI image layout, a plain directory that skopeo, umoci, oras and crane read too.`,
  );
  await guide.command(["ls", place]);
  await guide.command(["tree", `${place}:1.0`]);
  guide.say("An SBOM and a signature refer to version 1.0. Nothing names them; they point at it.");

  guide.step("Who uses how much", "All of it, by root: what others keep too, and what would go with it alone.");
  await guide.command(["du", place]);

  guide.step(
    "Why is that kept?",
    "Take the base layer, which all four images have. Every root that keeps it, nearest first:",
  );
  await guide.command(["why", "--all", `${place}@${base}`]);

  guide.step(
    "What would a deletion take?",
    "Version 1.0 is to go. With -n it only says what would happen, and changes nothing.",
  );
  await guide.command(["rm", "-n", `${place}:1.0`]);
  guide.say(`The index, both images, their configs and layers, and the SBOM and the signature, which have no other reason
    to be there. The base layer stays, and it says who holds it.`);

  guide.step("Delete it", "Now in earnest. On a terminal it shows this plan and asks; --yes is for scripts.");
  await guide.command(["rm", "--yes", `${place}:1.0`]);
  await guide.command(["ls", place]);

  guide.step("And the base layer?", "It has one reason fewer, and is still there.");
  await guide.command(["why", "--all", `${place}@${base}`]);

  guide.step(
    "Collect garbage",
    "Something for the collector: an artifact comes, and its tag goes. Taking a tag away frees nothing yet.",
  );
  await guide.command(["push", `${place}:notes`, `${inputFile("referrers/release-notes.md")}:text/markdown`]);
  await guide.command(["untag", `${place}:notes`]);
  guide.say(
    "What is garbage but young is left alone for the grace, an hour here: somebody may be about to use it again.",
  );
  await guide.command(["gc", "--yes", place]);
  guide.say("Nobody is, so do not wait:");
  await guide.command(["gc", "--yes", "--grace", "0", place]);

  guide.step("All sound?", "Every byte against its digest, every name against what is there.");
  await guide.command(["fsck", place]);
  await guide.command(["ls", place]);
}

/** A look at somebody's own layout. Nothing in it is changed, times of files included. */
export async function lookAround(guide: Guide, place: string, tags: readonly string[]): Promise<void> {
  guide.step("What there is", "Every tag, and what stays without one. This only looks: it changes nothing in there.");
  await guide.command(["ls", place]);
  const shown = tags.slice(0, SHOWN);
  if (shown.length > 0)
    guide.step("What is in it", "Each tag as a tree: platforms, config, layers, what refers to it.");
  for (const tag of shown) await guide.command(["tree", `${place}:${tag}`]);
  if (tags.length > shown.length) guide.say(`And ${tags.length - shown.length} more tags.`);
  guide.step("Who uses how much", "All of it, by root: what others keep too, and what would go with it alone.");
  await guide.command(["du", place]);
  guide.step("What is kept for its own sake", "From these, everything else that stays can be reached.");
  await guide.command(["roots", place]);
  guide.step("What could be freed", "What a collection would take, if it were not a dry run.");
  await guide.command(["gc", "-n", place]);
}

const SHOWN = 20;
