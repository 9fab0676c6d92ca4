/** The head of a request, as far as it decides anything; pure. */

export type Request = {
  readonly method: "GET" | "HEAD"
  /** Without the query. */
  readonly path: string
  /** HTTP/1.1, so an answer may come in chunks. */
  readonly takesChunks: boolean
}
export type Refusal = { readonly status: number; readonly why: string }

export const longestHead = 8192

/**
 * `isPort`: it came to a port, which a page in a browser reaches, too, under a name that its owner
 * lets lead here: such a name is refused.
 */
export function requestOf(
  head: string,
  { isPort }: { readonly isPort: boolean },
): Request | Refusal {
  const [first = "", ...lines] = head.split("\r\n")
  const [, method = "", target = "", minor = ""] =
    /^([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.([01])$/.exec(first) ?? []
  if (target === "") return { status: 400, why: "this is no request of HTTP/1.1" }
  if (method !== "GET" && method !== "HEAD") return { status: 405, why: "only GET and HEAD" }
  const hosts = lines.flatMap((line) => /^host:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1] ?? [])
  if (isPort && (hosts.length !== 1 || !isHere(hosts[0] ?? "")))
    return { status: 421, why: "ask for 127.0.0.1, [::1] or localhost" }
  return { method, path: target.split("?")[0] ?? "", takesChunks: minor === "1" }
}

function isHere(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}
