import { createHash, createHmac, type Hash, type Hmac } from "node:crypto"
import type { Secret } from "../../core/secret.ts"
import type { Credentials } from "./credentials.ts"

/** Signature version 4, by AWS's own code. */

export type Signing = {
  readonly service: string
  readonly region: string
  readonly credentials: Credentials
  /** The signature bears it: AWS takes it for five minutes. */
  readonly at: Date
}

type Call = {
  readonly host: string
  readonly type: string
  readonly text: string
  readonly target?: string
}

/** What goes out beside the body; the host is signed as it stands in `host`. */
export async function signedHeaders(
  { host, type, text, target }: Call,
  { service, region, credentials: { keyId, key, session }, at }: Signing,
): Promise<Readonly<Record<string, string | Secret>>> {
  const { SignatureV4 } = await import("@smithy/signature-v4")
  const signer = new SignatureV4({
    service,
    region,
    credentials: {
      accessKeyId: keyId,
      secretAccessKey: key.reveal(),
      ...(session === undefined ? {} : { sessionToken: session.reveal() }),
    },
    sha256: Sha256,
  })
  const signed = await signer.sign(
    {
      method: "POST",
      protocol: "https:",
      hostname: host,
      path: "/",
      query: {},
      body: text,
      headers: {
        host,
        "content-type": type,
        ...(target === undefined ? {} : { "x-amz-target": target }),
      },
    },
    { signingDate: at },
  )
  return Object.fromEntries(
    Object.entries(signed.headers)
      .filter(([header]) => header !== "host" && header !== "content-type")
      .map(([header, value]) => [
        header,
        header === "x-amz-security-token" && session !== undefined ? session : value,
      ]),
  )
}

/** The shape that AWS's code asks for. */
class Sha256 {
  readonly #key: Parameters<typeof createHmac>[1] | undefined
  #sum: Hash | Hmac

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#key = key === undefined ? undefined : bytesOf(key)
    this.#sum = this.#begin()
  }
  update(part: string | ArrayBuffer | ArrayBufferView): void {
    this.#sum.update(bytesOf(part))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#sum.digest())
  }
  reset(): void {
    this.#sum = this.#begin()
  }
  #begin(): Hash | Hmac {
    return this.#key === undefined ? createHash("sha256") : createHmac("sha256", this.#key)
  }
}

function bytesOf(part: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof part === "string") return Buffer.from(part)
  return part instanceof ArrayBuffer
    ? new Uint8Array(part)
    : new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
}
