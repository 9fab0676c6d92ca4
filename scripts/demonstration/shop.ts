/**
 * The demo's app, a program as there are many: it reads `.env` once, when it starts, logs in to
 * PostgreSQL again and again, and answers /healthz. Its log says which password was good or
 * refused: by number, never by value.
 */
import { createHmac, randomBytes } from "node:crypto"
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { login } from "./login.ts"

const everyMs = 20
/** If nothing ends it. */
const longestMs = 300_000

const stop = new AbortController()
process.on("SIGTERM", () => stop.abort())

const {
  POSTGRES_HOST: host = "",
  POSTGRES_PORT,
  POSTGRES_USER: user = "",
  POSTGRES_PASSWORD: password = "",
  HTTP_PORT,
} = process.env
const generation = numberOf(password)
const counts = { good: 0, refused: 0, unclear: 0 }
let state: keyof typeof counts | undefined
let lastGoodAt = "never"

log("started")
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(HTTP_PORT),
  fetch: () => new Response(`${state}\n`, { status: state === "good" ? 200 : 503 }),
})
const end = performance.now() + longestMs
while (!stop.signal.aborted && performance.now() < end) {
  const pause = Bun.sleep(everyMs)
  await logIn()
  await pause
}
await server.stop(true)
log(
  `ended good=${counts.good} refused=${counts.refused} unclear=${counts.unclear} last_good=${lastGoodAt}`,
)
rmSync("shop.pid")
process.exit(0)

async function logIn(): Promise<void> {
  const answer = await login({
    host,
    port: Number(POSTGRES_PORT),
    user,
    password,
    database: "shop",
  })
  const now = meaningOf(answer)
  counts[now]++
  if (now !== state) log(`login ${now}${now === "good" ? "" : ` ${answer}`}`)
  if (now === "good") lastGoodAt = new Date().toISOString()
  state = now
}

function meaningOf(answer: string): "good" | "refused" | "unclear" {
  if (answer === "accepted") return "good"
  return answer === "28P01" ? "refused" : "unclear"
}

function log(what: string): void {
  appendFileSync("shop.log", `${new Date().toISOString()} password=${generation} ${what}\n`, {
    mode: 0o600,
  })
}

/**
 * 1 for the first password that it ever saw, and so on: told apart by their HMAC under a key of
 * this demo.
 */
function numberOf(text: string): number {
  if (!existsSync("shop.known"))
    writeFileSync("shop.known", `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 })
  const [key = "", ...seen] = readFileSync("shop.known", "utf8").trim().split("\n")
  const mine = createHmac("sha256", key).update(text).digest("hex")
  if (!seen.includes(mine)) appendFileSync("shop.known", `${mine}\n`)
  return seen.includes(mine) ? seen.indexOf(mine) + 1 : seen.length + 1
}
