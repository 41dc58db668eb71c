import { expect, test } from "vitest";
import { type Descriptor, type ManifestParts, MEDIA_TYPES, successors } from "../../src/model/index.ts";
import { described } from "./support.ts";

const none: ManifestParts = { layers: [], blobs: [], manifests: [], mentions: [] };
const named = (name: string, extra: Partial<Descriptor> = {}): Descriptor => ({ ...described(name), ...extra });
const kinds = (parts: Partial<ManifestParts>) => successors({ ...none, ...parts }).map(({ kind }) => kind);

test("the order is that of oras-go", () => {
  const [subject, config] = [named("subject"), named("config")];
  expect(kinds({ layers: [named("a"), named("b")], config, subject })).toEqual(["subject", "config", "layer", "layer"]);
  expect(kinds({ manifests: [named("a"), named("b")], subject })).toEqual(["subject", "manifest", "manifest"]);
  expect(kinds({ blobs: [named("a")], subject })).toEqual(["subject", "layer"]);
});

test("the same digest comes once for each kind", () => {
  const twice = named("twice");
  expect(kinds({ config: twice, layers: [twice, twice, named("other")] })).toEqual(["config", "layer", "layer"]);
});

test("B53 a foreign layer with urls may be missing", () => {
  const foreign = (extra: Partial<Descriptor>) =>
    successors({ ...none, layers: [named("f", { mediaType: MEDIA_TYPES.dockerForeignLayerGzip, ...extra })] })[0]
      ?.optional;
  const urls = ["https://example.com/layer"];
  expect(foreign({ urls })).toBe(true);
  expect(foreign({ urls, mediaType: MEDIA_TYPES.foreignLayer })).toBe(true);
  expect(foreign({})).toBeUndefined();
  expect(foreign({ urls: [] })).toBeUndefined();
  expect(foreign({ urls, mediaType: MEDIA_TYPES.layerGzip })).toBeUndefined();
});

test("a layer that is needed once is needed", () => {
  const mediaType = MEDIA_TYPES.foreignLayer;
  const layers = [named("f", { mediaType, urls: ["https://example.com"] }), named("f", { mediaType })];
  for (const each of [layers, layers.toReversed()]) {
    expect(successors({ ...none, layers: each })).toEqual([{ ...edge("f", "layer"), mediaType }]);
  }
});

test("only subjects and foreign layers may be missing", () => {
  const parts = {
    subject: named("s"),
    config: named("c"),
    layers: [named("l")],
    blobs: [named("b")],
    manifests: [named("m")],
  };
  const optional = successors({ ...none, ...parts }).filter((each) => each.optional);
  expect(optional).toEqual([{ ...edge("s", "subject"), optional: true }]);
});

test("a mention adds nothing to what is named as something", () => {
  const mentions = [edge("s", "opaque"), edge("c", "opaque"), edge("x", "opaque"), edge("c", "manifest")] as const;
  const edges = successors({ ...none, subject: named("s"), mentions });
  expect(edges).toEqual([{ ...edge("s", "subject"), optional: true }, edge("c", "manifest"), edge("x", "opaque")]);
});

function edge(name: string, kind: "layer" | "subject" | "manifest" | "opaque") {
  const { digest: to, mediaType, size } = described(name);
  return { to, kind, mediaType, size };
}
