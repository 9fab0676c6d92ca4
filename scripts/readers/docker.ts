import { rm } from "node:fs/promises"
import { join } from "node:path"
import { type Answers, askInHalves, output, pairs } from "./ask.ts"

/**
 * The docker command itself: `docker create --env-file …`, before an engine of our own that does
 * nothing but keep the variables that it is told.
 */
export async function askDocker(paths: readonly string[], cwd: string): Promise<Answers> {
  const socket = join(cwd, "..", `docker-${process.pid}.sock`)
  let told: readonly string[] | undefined
  const engine = Bun.serve({
    unix: socket,
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname.endsWith("/containers/create")) told = envIn(await request.json())
      return Response.json(
        { Id: "0".repeat(64), Warnings: [] },
        { status: pathname.endsWith("/create") ? 201 : 200, headers: { "api-version": "1.45" } },
      )
    },
  })
  try {
    return await askInHalves(paths, async (some) => {
      told = undefined
      await output(
        [
          "docker",
          "-H",
          `unix://${socket}`,
          "create",
          ...some.flatMap((path) => ["--env-file", path]),
          "none",
        ],
        { cwd },
      )
      const text = told === undefined ? undefined : (told as readonly string[]).join("\0")
      return text === undefined ? undefined : pairs(Buffer.from(text))
    })
  } finally {
    await engine.stop(true)
    await rm(socket, { force: true })
  }
}

function envIn(body: unknown): readonly string[] | undefined {
  const env = typeof body === "object" && body !== null && "Env" in body ? body.Env : undefined
  return Array.isArray(env) ? env.filter((one) => typeof one === "string") : undefined
}
