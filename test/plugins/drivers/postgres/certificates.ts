import { writeFile } from "node:fs/promises"
import { join } from "node:path"

export type Certificates = {
  readonly ca: string
  readonly otherCa: string
  readonly certificate: string
  readonly key: string
  readonly expired: string
}

/**
 * Two authorities, and certificates by the first for `name` and 127.0.0.1. Returns texts; leaves
 * its files in `folder`.
 */
export async function makeCertificates(folder: string, name: string): Promise<Certificates> {
  const at = (file: string): string => join(folder, file)
  const openssl = (...argv: string[]): Promise<unknown> => Bun.$`openssl ${argv}`.quiet()
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  for (const ca of ["ca", "other"])
    await openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      at(`${ca}.key`),
      "-out",
      at(`${ca}.pem`),
      "-subj",
      `/CN=${ca}`,
      "-days",
      "2",
    )
  await openssl(
    "req",
    ...key,
    "-keyout",
    at("server.key"),
    "-out",
    at("server.csr"),
    "-subj",
    `/CN=${name}`,
  )
  await writeFile(at("names"), `subjectAltName=DNS:${name},IP:127.0.0.1`)
  const sign = (out: string, days: string): Promise<unknown> =>
    openssl(
      "x509",
      "-req",
      "-in",
      at("server.csr"),
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
      "-out",
      at(out),
      "-days",
      days,
      "-extfile",
      at("names"),
    )
  await sign("server.pem", "2")
  await sign("expired.pem", "-1")
  const read = (file: string): Promise<string> => Bun.file(at(file)).text()
  return {
    ca: await read("ca.pem"),
    otherCa: await read("other.pem"),
    certificate: await read("server.pem"),
    key: await read("server.key"),
    expired: await read("expired.pem"),
  }
}
