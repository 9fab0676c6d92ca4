import { plugin } from "bun"

/**
 * Loaded before all tests (bunfig.toml), so that `bun test FILE` by hand gives each test as long as
 * the whole suite does. Bun takes the limit of a file from within that file alone, and has no
 * setting for it: each gets the line in front of its first.
 */

/** A slow machine may need more: TEST_LIMIT_MS. */
const limitMs = Number(process.env["TEST_LIMIT_MS"] ?? 30_000)

plugin({
  name: "the time limit of a test",
  setup(build) {
    build.onLoad({ filter: /\.test\.ts$/ }, async ({ path }) => ({
      contents:
        `import { setDefaultTimeout as limitTests } from "bun:test"; ` +
        `limitTests(${limitMs}); ${await Bun.file(path).text()}`,
      loader: "ts",
    }))
  },
})
