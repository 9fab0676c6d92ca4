import { expect, test } from "bun:test"
import { AppError } from "../../../src/base/error.ts"
import { type SecretSettings, settings } from "../../../src/check/self-tests/settings.ts"
import { surroundings } from "../../../src/check/self-tests/surroundings.ts"
import { found, hour, now, result } from "./looks.ts"

const nothing = {
  trust: () => Promise.resolve([]),
  references: [],
  unguarded: [],
  secrets: [],
  deployments: [],
  now,
}
const day = 24 * hour
const secret: SecretSettings = {
  place: "production/db",
  shape: {},
  rotateEveryMs: 90 * day,
  hasValue: true,
  rotatedAt: new Date(now.getTime() - day),
  undated: false,
  unshownUser: [],
  unshownSecret: [],
  readersWouldFail: [],
  shown: true,
  oneUser: [],
  dueAt: new Date(now.getTime() + 80 * day),
}
const inspect = (more: Partial<SecretSettings>): Promise<readonly string[]> =>
  found(settings, { ...nothing, secrets: [{ ...secret, ...more }] })

test("settings is content with a secret that is young enough, and says how strong values are", async () => {
  expect(await inspect({})).toEqual([])
  const { saw } = await result(settings, {
    ...nothing,
    secrets: [secret, { ...secret, shape: { length: 35 } }],
  })
  expect(saw).toContain("32 characters: 191.9 bits, of 35 characters: 210.0 bits")
})

test("settings says what is new, never rotated, late, or about to be late", async () => {
  expect(await inspect({ hasValue: false })).toEqual(["secret-new info"])
  expect(await inspect({ rotateEveryMs: null })).toEqual(["never-rotated info"])
  expect(await inspect({ dueAt: new Date(now.getTime() - 2 * hour) })).toEqual([
    "rotation-overdue warning",
  ])
  expect(
    await inspect({
      rotateEveryMs: day,
      rotatedAt: new Date(now.getTime() - hour),
      dueAt: new Date(now.getTime() + 24 * hour),
    }),
  ).toEqual(["schedule-late info"])
})

test("settings says insecure options aloud, and deployments without health", async () => {
  expect(
    await found(settings, {
      ...nothing,
      unguarded: [{ place: "production/db", option: "insecure" }],
      deployments: [{ place: "production/api", hasHealth: false }],
    }),
  ).toEqual(["insecure warning", "no-health-check info"])
})

test("settings says which outputs no deployment reads, once an environment", async () => {
  const { findings } = await result(settings, {
    ...nothing,
    unread: [{ place: "production", targets: ["/etc/userlist.txt", "/srv/.env"] }],
  })
  expect(findings.map(({ code, severity, message }) => `${code} ${severity} ${message}`)).toEqual([
    "reader-missing info production: no deployment reads /etc/userlist.txt, /srv/.env: " +
      "a program that reads it is not restarted, and keeps the old value",
  ])
})

test("settings says once an address, of how many secrets the password goes there in clear", async () => {
  const clear = ["a", "b", "c"].map((name) => ({
    place: `production/${name}`,
    address: "127.0.0.1:6379",
  }))
  const { findings } = await result(settings, {
    ...nothing,
    clear: [...clear, { place: "staging/a", address: "127.0.0.1:6380" }],
  })
  expect(
    findings.map(({ code, severity, message }) => `${code} ${severity} ${message.split(":")[0]}`),
  ).toEqual(["clear-text-login info production/a (and 2 more)", "clear-text-login info staging/a"])
})

test("settings passes on what others find: who can change the config, what a reference lacks", async () => {
  expect(
    await found(settings, {
      ...nothing,
      trust: () => Promise.reject(new AppError("config-writable-by-others", "everybody")),
    }),
  ).toEqual(["config-writable-by-others error"])
  const open = { code: "reference-open", severity: "warning", message: "readable" } as const
  expect(
    (
      await result(settings, {
        ...nothing,
        references: [{ place: "production/db", inspect: () => Promise.resolve([open]) }],
      })
    ).findings,
  ).toEqual([{ ...open, message: "production/db: readable" }])
})

test("surroundings tells of root, cores and a store on another machine", async () => {
  const sound = {
    uid: 1000,
    memoryIsClosed: true,
    limits: "Max core file size        0                    unlimited            bytes\n",
    store: "/var/lib/mycelium",
    storeOwner: 1000,
    storeIsRemote: false,
  }
  expect(await found(surroundings, sound)).toEqual([])
  expect(await found(surroundings, { ...sound, limits: undefined })).toEqual([])
  expect(
    await found(surroundings, {
      ...sound,
      uid: 0,
      storeOwner: undefined,
      limits: sound.limits.replace(" 0 ", " unlimited "),
      storeIsRemote: true,
    }),
  ).toEqual(["runs-as-root info", "core-dumps info", "network-file-system error"])
  expect(await found(surroundings, { ...sound, uid: 0 })).toEqual(["wrong-user warning"])
  expect(await found(surroundings, { ...sound, memoryIsClosed: false })).toEqual([
    "memory-readable info",
  ])
})
