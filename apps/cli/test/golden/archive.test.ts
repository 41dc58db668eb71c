import { test } from "vitest";
import { run, sampleStore, transcript } from "./transcript.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

test("cp", () =>
  transcript("cp", [
    sampleStore(),
    run("cp oci:store:v1 oci:other -n"),
    run("cp oci:store:v1 oci:other"),
    run("cp -r oci:store:v1 oci:other:signed --json"),
    run("cp oci:store:v1 oci:arm --platform linux/arm64"),
    run("cp oci:store@$v2 oci:arm"),
    run("cp -a oci:store oci:all"),
    run("cp -a oci:store oci:all --no-clobber --json"),
    run("cp oci:store:v2 oci:other:v1 --no-clobber"),
    run("cp oci:store:v1 oci:arm --platform windows/amd64"),
    run("cp oci:store:v1 oci:arm --platform 9"),
    run("cp oci:store:nope oci:fresh"),
    run(`cp oci:store@${NOTHING} oci:fresh --json`),
    run("cp oci:store:v1 oci:other@$v2"),
    run("cp oci:store:v1 oci-archive:x.tar"),
    run("cp oci:store:v1 docker://example.com/x"),
    run("cp -a oci:store oci:all --above"),
    run("cp oci:store:v1"),
  ]));

test("export, import", () =>
  transcript("export-import", [
    sampleStore(),
    run("export oci:store:v1 -o v1.tar"),
    run("export oci:store -o all.tar --json"),
    run("export oci:store:v2 -r -o -"),
    run("ls oci-archive:all.tar"),
    run("import all.tar oci:fresh -n"),
    run("import all.tar oci:fresh"),
    run("import all.tar oci:fresh --json"),
    run("import v1.tar oci:fresh --tag v1 --no-clobber"),
    run("tag oci:fresh:v2 v1"),
    run("import v1.tar oci:fresh --no-clobber"),
    run("import all.tar oci:fresh --tag nope"),
    run("import nothing.tar oci:fresh"),
    run("import store oci:fresh"),
    run("export oci:store:nope -o x.tar"),
    run("export oci:store"),
    run("export oci:store:v1 oci:fresh:v1 -o x.tar"),
    run("export oci:store -o nowhere/x.tar"),
    run("rm oci-archive:all.tar:v1 -y"),
  ]));
