import assert from "node:assert/strict";
import { type Rule, rules } from "../rule.ts";
import { HOUR } from "../world.ts";

export const leasingRules: readonly Rule[] = rules("leases", {
  "one has it, until it runs out or is given back": async ({ catalog, env }) => {
    const first = await catalog.lease("collect", HOUR);
    assert.ok(first !== undefined);
    assert.equal(await catalog.lease("collect", HOUR), undefined);
    env.advance(HOUR - 1);
    assert.equal(await catalog.lease("collect", HOUR), undefined);
    env.advance(2);
    const second = await catalog.lease("collect", HOUR);
    assert.ok(second !== undefined && second > first);
    await catalog.endLease("collect", second);
    const third = await catalog.lease("collect", HOUR);
    assert.ok(third !== undefined && third > second);
  },
  "of many who ask at once, one gets it": async ({ catalog }) => {
    const epochs = await Promise.all(Array.from({ length: 6 }, () => catalog.lease("collect", 100 * HOUR)));
    assert.equal(epochs.filter((epoch) => epoch !== undefined).length, 1);
  },
  "who has lost it cannot give it back": async ({ catalog, env }) => {
    const first = await catalog.lease("collect", HOUR);
    env.advance(HOUR + 1);
    await catalog.lease("collect", HOUR);
    await catalog.endLease("collect", first!);
    assert.equal(await catalog.lease("collect", HOUR), undefined);
  },
  "who has it may stay, even late, unless another has followed": async ({ catalog, env }) => {
    const first = (await catalog.lease("collect", HOUR))!;
    env.advance(HOUR - 1);
    assert.equal(await catalog.lease("collect", HOUR, { renew: first }), first);
    env.advance(HOUR - 1);
    assert.equal(await catalog.lease("collect", HOUR), undefined);
    env.advance(HOUR);
    assert.equal(await catalog.lease("collect", HOUR, { renew: first }), first);
    env.advance(HOUR + 1);
    assert.ok((await catalog.lease("collect", HOUR)) !== undefined);
    assert.equal(await catalog.lease("collect", HOUR, { renew: first }), undefined);
  },
  "leases of other names are others": async ({ catalog }) => {
    assert.ok((await catalog.lease("collect", HOUR)) !== undefined);
    assert.ok((await catalog.lease("other", HOUR)) !== undefined);
  },
});
