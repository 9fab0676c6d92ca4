import { bom } from "../dotenv/readers/reader.ts"

/**
 * The first line of a file that is ours as a whole, in formats with # comments: it names the
 * environment.
 */
export function headerFor(label: string): string {
  return `${headerStart}${label.replace(/[^\w./-]/g, "_")}`
}
export const headerStart = "# written by mycelium: "

export function firstLine(text: string): string {
  return (text.startsWith(bom) ? text.slice(bom.length) : text).split(/\r?\n/, 1)[0] ?? ""
}
