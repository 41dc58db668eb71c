import { packManifest, type Repository, systemEnvironment } from "@ocistore/core";
import { openLayout } from "../../src/index.ts";

/** What this script, a process of its own, is told to do, as JSON in its first argument. */
export type StoreTask = { readonly directory: string } & (
  | { readonly do: "tag"; readonly to: string; readonly names: readonly string[] }
  /** Push one image after the other, each with a layer of its own and one that all share, until killed or done. */
  | { readonly do: "push"; readonly prefix: string; readonly count: number }
  /** Read all tags again and again until told to stop. */
  | { readonly do: "watch" }
  /** Collect with grace 0 until told to stop, and go on when another is at it. */
  | { readonly do: "collect" }
);

/** Each line that a process says is something that has happened for certain. */
const say = (line: string) => process.stdout.write(`${line}\n`);

async function run(task: StoreTask): Promise<void> {
  const store = await openLayout(task.directory, { create: true });
  const repository = store.repository();
  say("open");
  let stopped = false;
  process.stdin.once("data", () => {
    stopped = true;
  });
  switch (task.do) {
    case "tag":
      for (const name of task.names) {
        await repository.tag(task.to, name);
        say(name);
      }
      break;
    case "push":
      for (let at = 0; at < task.count; at++) say(await push(repository, `${task.prefix}-${at}`));
      break;
    case "watch":
      for (let rounds = 1; !stopped; rounds++) {
        let count = 0;
        for await (const _ of repository.tags()) count++;
        if (rounds % 50 === 1) say(String(count));
      }
      break;
    case "collect":
      while (!stopped) {
        const { removed } = await store.collect({ grace: 0 });
        say(`removed ${removed}`);
        await systemEnvironment.sleep(5);
      }
  }
  await store.close();
  process.stdin.destroy();
}

async function push(repository: Repository, name: string): Promise<string> {
  await repository.session(async (session) => {
    const layers = [
      await session.putBlob(new TextEncoder().encode("a layer that all share")),
      await session.putBlob(new TextEncoder().encode(`the layer of ${name}`)),
    ];
    const packed = packManifest({ artifactType: "application/vnd.example", layers, annotations: { name } });
    await session.putManifest(packed, { tags: [name] });
    // Every other one is untagged again, so that there is something to collect.
    if (name.endsWith("7")) await repository.untag(name);
  });
  return name;
}

await run(JSON.parse(process.argv[2]!));
