/**
 * What a vault says of the login that it wants: Bearer authorization="https://login…/TENANT",
 * resource="https://vault.azure.net".
 */

export type Challenge = {
  /** https://login.microsoftonline.com */
  readonly authority: string
  readonly tenant: string
  readonly audience: string
  /** Microsoft's number for what is wrong with the token: AKV10032. */
  readonly number: string
}

export function challengeIn(text: string | undefined): Challenge | undefined {
  if (text === undefined || !/^Bearer\b/i.test(text)) return undefined
  const part = (name: string): string =>
    new RegExp(`[\\s,]${name}="([^"]*)"`, "i").exec(text)?.[1] ?? ""
  const authorization =
    part("authorization") === "" ? part("authorization_uri") : part("authorization")
  const url = URL.canParse(authorization) ? new URL(authorization) : undefined
  const audience =
    part("resource") === "" ? part("scope").replace(/\/\.default$/, "") : part("resource")
  return {
    authority: url?.origin ?? "",
    tenant: (url?.pathname.split("/")[1] ?? "").toLowerCase(),
    audience: audience.replace(/\/$/, "").toLowerCase(),
    number: /AKV\d{5}/.exec(part("error_description"))?.[0] ?? "",
  }
}
