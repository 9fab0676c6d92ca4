import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto"
import { isIP } from "node:net"

/**
 * Certificates for tests of TLS, made without openssl, which a machine with Node alone need not
 * have: a private authority and, for the names or addresses that it is asked for, certificates of
 * servers (or of clients).
 */
export type Authority = {
  /** PEM: what a client has to trust. */
  readonly certificate: string
  /** For "db.test" or "127.0.0.1"; the first name is the subject too. P-256, unless RSA is asked for. */
  issue(
    names: readonly string[],
    kind?: "rsa",
  ): { readonly certificate: string; readonly key: string }
}

export function makeAuthority(name = "test authority"): Authority {
  const own = newKeys()
  const sign = (subject: string, key: KeyObject, extensions: readonly Buffer[]): string =>
    signedCertificate({ issuer: name, signer: own.privateKey, subject, key, extensions })
  return {
    certificate: sign(name, own.publicKey, [isAuthority]),
    issue: (names, kind) => {
      const keys = kind === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : newKeys()
      const certificate = sign(names[0] ?? "", keys.publicKey, [alternativeNames(names)])
      return {
        certificate,
        key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      }
    },
  }
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
}

type Wanted = {
  readonly issuer: string
  readonly signer: KeyObject
  readonly subject: string
  readonly key: KeyObject
  readonly extensions: readonly Buffer[]
}

function signedCertificate(wanted: Wanted): string {
  const algorithm = sequence(oid("06082a8648ce3d040302")) // ecdsa-with-SHA256
  const always = sequence(utcTime("200101000000Z"), utcTime("491231235959Z"))
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    tagged(0x02, Buffer.of(1), randomBytes(15)),
    algorithm,
    distinguishedName(wanted.issuer),
    always,
    distinguishedName(wanted.subject),
    wanted.key.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...wanted.extensions)),
  )
  const signature = createSign("sha256").update(body).sign(wanted.signer)
  const whole = sequence(body, algorithm, tagged(0x03, Buffer.of(0), signature))
  const lines = whole.toString("base64").replaceAll(/.{1,64}/g, "$&\n")
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`
}

/** One element of DER: a tag, the length of what is in it, and that. */
function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const inside = Buffer.concat(content)
  const size = inside.length
  const long = size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  const length = size < 128 ? [size] : long
  return Buffer.concat([Buffer.of(tag, ...length), inside])
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tagged(0x30, ...content)
}

function oid(hex: string): Buffer {
  return Buffer.from(hex, "hex")
}

function utcTime(text: string): Buffer {
  return tagged(0x17, Buffer.from(text))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid("0603550403"), tagged(0x0c, Buffer.from(commonName)))))
}

const isAuthority = sequence(
  oid("0603551d13"),
  tagged(0x01, Buffer.of(0xff)),
  tagged(0x04, sequence(tagged(0x01, Buffer.of(0xff)))),
)

function alternativeNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    isIP(name) === 4
      ? tagged(0x87, Buffer.from(name.split(".").map(Number)))
      : tagged(0x82, Buffer.from(name)),
  )
  return sequence(oid("0603551d11"), tagged(0x04, sequence(...each)))
}
