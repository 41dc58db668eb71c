import type { Digest, Placement } from "@ocistore/core";
import { type Mutant, over } from "./mutant.ts";

const NEVER = Number.MAX_SAFE_INTEGER;

export const claimMutants: readonly Mutant[] = [
  {
    name: "a claim looks and does not hold",
    test: "claims: what is in the answer is held, whoever else lets go",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        claim: async (_, repository, digests) => {
          const answer = new Map<Digest, Placement>();
          for (const digest of digests) {
            const located = await catalog.locate(repository, digest);
            if (located) answer.set(digest, { digest, size: located.size, generation: located.generation });
          }
          return answer;
        },
      }),
    }),
  },
  {
    name: "a claim does not bring back",
    test: "bringing back: condemned content that is claimed is in use again",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        claim: async (owner, repository, digests, o) => {
          const condemned = new Set<Digest>();
          for await (const { digest } of catalog.condemned()) condemned.add(digest);
          return catalog.claim(
            owner,
            repository,
            digests.filter((digest) => !condemned.has(digest)),
            o,
          );
        },
      }),
    }),
  },
  {
    name: "a claim says yes to what is absent",
    test: "claims: what is stored is answered, what is absent is left out",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        claim: async (owner, repository, digests, o) => {
          const answer = new Map(digests.map((digest) => [digest, { digest, size: 0, generation: "" }]));
          for (const [digest, placement] of await catalog.claim(owner, repository, digests, o))
            answer.set(digest, placement);
          return answer;
        },
      }),
    }),
  },
  {
    name: "a claim never ends",
    test: "claims: a claim ends at its time",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        add: (owner, repository, arrivals, o) => catalog.add(owner, repository, arrivals, { ...o, until: NEVER }),
      }),
    }),
  },
  {
    name: "release always ends the claims",
    test: "claims: release can move the end of all claims of an owner",
    break: ({ catalog }) => ({
      catalog: over(catalog, { release: (owner, o) => catalog.release(owner, { signal: o?.signal }) }),
    }),
  },
  {
    name: "release ends everybody's claims",
    test: "claims: many may claim the same at once, and all hold it",
    break: ({ catalog }) => {
      const owners = new Set<string>(["pusher"]);
      return {
        catalog: over(catalog, {
          claim: (owner, repository, digests, o) => {
            owners.add(owner);
            return catalog.claim(owner, repository, digests, o);
          },
          release: async () => {
            for (const owner of owners) await catalog.release(owner);
          },
        }),
      };
    },
  },
  {
    name: "what has run out comes back with the next claim",
    test: "claims: a claim that has run out does not come back with the next one of its owner",
    break: ({ catalog }) => {
      const held = new Map<string, Digest[]>();
      return {
        catalog: over(catalog, {
          add: async (owner, repository, arrivals, o) => {
            await catalog.add(owner, repository, arrivals, o);
            held.set(owner, [...(held.get(owner) ?? []), ...arrivals.map(({ placement }) => placement.digest)]);
            // Bytes are looked for in the whole store, since nobody may read here what has run out.
            for (const digest of held.get(owner) ?? []) {
              const placement = await catalog.locate(undefined, digest);
              if (placement) await catalog.add(owner, repository, [{ placement, publish: async () => {} }], o);
            }
          },
        }),
      };
    },
  },
  {
    name: "what was added is not held",
    test: "claims: what was added is held until its owner releases it",
    break: ({ catalog, env }) => ({
      catalog: over(catalog, {
        add: (owner, repository, arrivals, o) => catalog.add(owner, repository, arrivals, { ...o, until: env.now() }),
      }),
    }),
  },
  {
    name: "a publish that fails passes for one that has not",
    test: "claims: a failed publish makes nothing known, and is reported as it was",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        add: (owner, repository, arrivals, o) => {
          const quiet = arrivals.map(({ placement, publish }) => ({
            placement,
            publish: () => publish().catch(() => {}),
          }));
          return catalog.add(owner, repository, quiet, o);
        },
      }),
    }),
  },
  {
    name: "a lease is given to everybody",
    test: "leases: one has it, until it runs out or is given back",
    break: ({ catalog }) => ({
      catalog: over(catalog, { lease: async (name, ttl, o) => (await catalog.lease(name, ttl, o)) ?? 1 }),
    }),
  },
  {
    name: "who has lost a lease can give it back for another",
    test: "leases: who has lost it cannot give it back",
    break: ({ catalog }) => {
      let last = 0;
      return {
        catalog: over(catalog, {
          lease: async (name, ttl, o) => {
            const epoch = await catalog.lease(name, ttl, o);
            last = epoch ?? last;
            return epoch;
          },
          endLease: (name, _, o) => catalog.endLease(name, last, o),
        }),
      };
    },
  },
];
