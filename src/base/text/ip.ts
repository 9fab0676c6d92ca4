/** As `isIP` of node:net tells them apart, which takes milliseconds to load. */

const byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
const four = new RegExp(`^${byte}(\\.${byte}){3}$`)

export function isIpv4(text: string): boolean {
  return four.test(text)
}

export function isIp(text: string): boolean {
  return isIpv4(text) || (/^[\da-f:.]*:[\da-f:.]*$/i.test(text) && URL.canParse(`http://[${text}]`))
}
