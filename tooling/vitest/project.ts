import { defineConfig } from "vitest/config";

/** One vitest project: its tests run against the sources of all packages, through the export condition `@ocistore/source`. */
export function project(name: string) {
  const conditions = ["@ocistore/source", "node", "import", "default"];
  return defineConfig({
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    test: { name, include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
  });
}
