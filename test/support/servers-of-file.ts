import { afterAll, beforeAll } from "bun:test"

type Starts = Readonly<Record<string, () => Promise<AsyncDisposable>>>
type Started<Of extends Starts> = { readonly [Name in keyof Of]: Awaited<ReturnType<Of[Name]>> }

/**
 * Servers for all tests of the file that calls it: started before the first of them, one beside the
 * other, and ended after the last. Each is there once the tests run.
 */
export function serversOfFile<Of extends Starts>(starts: Of): Started<Of> {
  const started: Record<string, AsyncDisposable> = {}
  beforeAll(async () => {
    const begun = Object.entries(starts).map(
      async ([name, start]) => void (started[name] = await start()),
    )
    await Promise.all(begun)
  }, 240_000)
  afterAll(async () => {
    await Promise.all(Object.values(started).map((server) => server[Symbol.asyncDispose]()))
  })
  return started as Started<Of>
}
