import { chmodSync, lstatSync, unlinkSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"
import type { Server } from "node:net"
import { AppError, systemCode } from "../base/error.ts"
import { openFolder } from "../base/files/folder.ts"
import type { ListenConfig } from "../config/listen.ts"
import { type AnswerTo, ScrapeServer } from "./server.ts"

/** Opens what the config names under `listen`. */

export type Listener = { close(): void }

export function sayAddress(listen: ListenConfig): string {
  if ("path" in listen) return `unix:${listen.path}`
  return listen.host.includes(":")
    ? `[${listen.host}]:${listen.port}`
    : `${listen.host}:${listen.port}`
}

export async function listenAt(listen: ListenConfig, answerTo: AnswerTo): Promise<Listener> {
  const server = new ScrapeServer(answerTo, { isPort: !("path" in listen) })
  try {
    if ("path" in listen) return await listenAtPath(server, listen.path)
    await opened(server.server, listen)
    return server
  } catch (error) {
    server.close()
    throw error instanceof AppError ? error : failed(listen, error)
  }
}

/** The umask lets no other user in before the mode is set. */
async function listenAtPath(server: ScrapeServer, path: string): Promise<Listener> {
  await refuseForeignFolder(path)
  await removeLeft(path)
  await opened(server.server, { path })
  chmodSync(path, 0o600)
  const { ino } = lstatSync(path)
  return {
    close: () => {
      const isOurs = inodeOf(path) === ino
      server.close()
      if (isOurs && inodeOf(path) === ino) unlinkSync(path)
    },
  }
}

/** What is done below by its path is done there only if no other user can lead that elsewhere. */
async function refuseForeignFolder(path: string): Promise<void> {
  await using folder = await openFolder(dirname(path))
  if (folder.keeper === "ours" && folder.weak === undefined) return
  throw new AppError("listen-failed", `another user can change the folder of ${path}`, {
    hint: "name a path in a folder that Mycelium's user alone can change, as /run/mycelium",
  })
}

/** A socket that a killed process left: no process answers there. Nothing else is removed. */
async function removeLeft(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new AppError("listen-failed", `${path} is there, and is no socket`, {
      hint: "name another path under listen in the config",
    })
  if (await answers(path)) throw taken(`unix:${path}`)
  unlinkSync(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const end = (answer: boolean): void => {
      resolve(answer)
      socket.destroy()
    }
    socket.once("connect", () => end(true))
    socket.once("error", (error) => end(systemCode(error) !== "ECONNREFUSED"))
  })
}

function opened(server: Server, where: ListenConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen("path" in where ? { path: where.path } : { ...where }, () => {
      server.off("error", reject)
      // One that comes later ends no process.
      server.on("error", () => undefined)
      resolve()
    })
  })
}

function failed(listen: ListenConfig, error: unknown): AppError {
  const code = systemCode(error)
  const address = sayAddress(listen)
  if (code === "EADDRINUSE") return taken(address)
  return new AppError(
    "listen-failed",
    `it cannot listen at ${address}${code === undefined ? "" : ` (${code})`}`,
    {
      remedy: "retry",
      hint: "see whether its folder is there and may be written, or name another",
    },
  )
}

function taken(address: string): AppError {
  return new AppError("listen-taken", `another process listens at ${address}`, {
    remedy: "retry",
    hint: "end it, or name another address under listen in the config",
  })
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino
}
