import { expect, test } from "bun:test"
import { createHmac, hkdfSync, randomBytes } from "node:crypto"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { bindings, checkBinding } from "../../src/record/binding.ts"
import { AgeVault } from "../../src/record/vault.ts"

const keysOf = () => ({ mac: randomBytes(32), fingerprint: randomBytes(32) })

test("a binding holds for these keys and this identity, and for no others", async () => {
  const [own, other] = [await newIdentity(), await newIdentity()]
  const [recipient, foreign] = [await recipientOf(own), await recipientOf(other)]
  const keys = keysOf()
  const bound = await bindings(keys, { identities: [own], recipients: [recipient] }, {})
  const code = (
    of: { readonly mac: Buffer; readonly fingerprint: Buffer },
    identities: readonly string[],
    all = bound,
  ): Promise<string> =>
    checkBinding("keys.age", of, { identities, bound: all }).then(
      () => "held",
      (error: { readonly code: string }) => error.code,
    )
  expect(await code(keys, [own])).toBe("held")
  expect(await code(keys, [other, own])).toBe("held")
  expect(await code(keys, [other])).toBe("keys-unverified")
  expect(await code(keys, [])).toBe("keys-unverified")
  expect(await code({ ...keys, mac: randomBytes(32) }, [own])).toBe("keys-forged")
  expect(await code({ ...keys, fingerprint: randomBytes(32) }, [own])).toBe("keys-forged")
  expect(await code(keys, [other], { [foreign]: bound[recipient] ?? "" })).toBe("keys-forged")
  expect(await code(keys, [own], { [recipient]: "" })).toBe("keys-forged")
  // Those who are recipients no more are not named; those who are stay.
  expect(
    Object.keys(await bindings(keys, { identities: [other], recipients: [foreign] }, bound)),
  ).toEqual([foreign])
  expect(
    new Set(
      Object.keys(
        await bindings(keys, { identities: [other], recipients: [foreign, recipient] }, bound),
      ),
    ),
  ).toEqual(new Set([foreign, recipient]))
})

test("sealed bytes of an output open under their own project, environment and name only", async () => {
  const identity = await newIdentity()
  const keys = {
    identities: [identity],
    recipients: [await recipientOf(identity)],
    ...keysOf(),
    fileVersion: "",
  }
  const vault = (project: string, environment = "production"): AgeVault =>
    new AgeVault(keys, { project, environment })
  const sealed = await vault("shop").sealBytes("/app/.env", Buffer.from("A=1"))
  const opened = (of: AgeVault, name = "/app/.env"): Promise<string> =>
    of.openBytes(name, sealed).then(
      (bytes) => Buffer.from(bytes).toString(),
      (error: { readonly code: string }) => error.code,
    )
  expect([
    await opened(vault("shop")),
    await opened(vault("blog")),
    await opened(vault("shop", "staging")),
    await opened(vault("shop"), "/app/other"),
  ]).toEqual(["A=1", "state-edited", "state-edited", "state-edited"])
})

test("a binding and a fingerprint are what another library makes of the same keys", async () => {
  const [identity, keys] = [await newIdentity(), keysOf()]
  const recipient = await recipientOf(identity)
  const purpose = "keys.age binding v1"
  const key = Buffer.from(hkdfSync("sha256", identity, "mycelium", purpose, 32))
  const bound = createHmac("sha256", key)
    .update(
      JSON.stringify([purpose, keys.mac.toString("base64"), keys.fingerprint.toString("base64")]),
    )
    .digest("base64")
  const who = { identities: [identity], recipients: [recipient] }
  expect(await bindings(keys, who, {})).toEqual({ [recipient]: bound })
  const vault = new AgeVault(
    { ...who, ...keys, fileVersion: "" },
    { project: "p", environment: "e" },
  )
  const bytes = randomBytes(1000)
  expect(vault.fingerprint(bytes)).toBe(
    createHmac("sha256", keys.fingerprint).update(bytes).digest("hex"),
  )
})
