import { join } from "node:path";
import { test } from "vitest";
import { text, withStore } from "../harness.ts";
import { also, both, run, sampleStore, transcript, write } from "./transcript.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

/** As an interrupted put leaves it. */
const half = (id: string) =>
  also(`a put is broken off, and leaves the upload ${id}`, ({ cwd, clock }) =>
    withStore(
      join(cwd, "store"),
      async (store) => {
        const upload = await store.parts.blobs.upload(id, { create: true });
        await upload.write(pieces(), { at: 0 });
        await upload.release();
      },
      clock,
    ),
  );

async function* pieces() {
  yield text("the first half");
}

test("blob", () =>
  transcript("blob", [
    write("data.bin", "some bytes\n"),
    run("blob put oci:store data.bin", { keep: "data" }),
    run("blob put oci:store data.bin --json"),
    run("blob put oci:store - --media-type text/plain --json", { piped: text("others\n") }),
    run("blob get oci:store@$data"),
    run("blob get oci:store@$data --offset 5 --length 3"),
    run("blob get oci:store@$data -o copy.bin"),
    run("blob get oci:store@$data -o copy.bin --json"),
    run("blob get oci:store@$data", { typed: "" }),
    run(`blob put oci:store data.bin --digest ${NOTHING}`),
    run(`blob put oci:store data.bin --digest ${NOTHING} --json`),
    run("blob put oci:store nothing.bin"),
    run("blob put oci:store data.bin --digest md5:0"),
    run("blob get oci:store:v1"),
    run(`blob get oci:store@${NOTHING}`),
    run("blob get oci:store@$data --offset x"),
    run("blob get oci:store@$data --offset 99"),
    run("blob rm oci:store@$data"),
    both("blob rm oci:store@$data -n"),
    run("blob rm oci:store@$data -y"),
    run("blob rm oci:store@$data -y"),
    sampleStore(),
    run("blob rm oci:store@$shared -y"),
    run("blob rm oci:store@$shared -y --json"),
    run("blob"),
  ]));

test("uploads", () =>
  transcript("uploads", [
    sampleStore(),
    both("uploads ls store"),
    run("uploads rm store"),
    run("uploads rm store nothing -y"),
    run("uploads rm store --all"),
    run("uploads rm store --all -y"),
    run("uploads rm store --all -y --json"),
    half("one"),
    half("two"),
    both("uploads ls store"),
    run("du store"),
    run("uploads rm store one"),
    run("uploads rm store one", { typed: "y\n" }),
    run("gc -n store --json"),
    run("uploads rm store --all -y --json"),
    run("uploads ls nowhere"),
  ]));

test("config", () =>
  transcript("config", [
    run("init store --catalog none"),
    both("config get store"),
    write("rules.json", '[{"match":["v*"],"keep":"all"}]'),
    run("config set store grace=2h window=7d untagged=30d --retention rules.json"),
    run("config set store untagged=never retention=none --json"),
    run("config get", { env: { OCISTORE_STORE: "store" } }),
    run("config set store"),
    run("config set store grace=soon"),
    run("config set store nope=1h"),
    run("config set store retention=all --json"),
    run("config set store --retention nothing.json"),
    run("config get nowhere"),
  ]));
