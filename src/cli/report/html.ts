import type { Block } from "./blocks.ts"

const style = [
  "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 " +
    "1rem;color:#1b1b1b;background:#fff}",
  "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #bbb;break-after:avoid}",
  ".verdict{font-weight:600;padding:.7rem 1rem;border-left:.5rem " +
    "solid}.good{border-color:#1a7f37;background:#e9f6ec}.bad{border-color:#b3261e;background:#fbeae9}",
  "table{border-collapse:collapse;width:100%;font-size:.9em}th,td{text-align:left;vertical-align:top;padding:.3rem " +
    ".5rem;border:1px solid " +
    "#ccc;overflow-wrap:anywhere}th{background:#f2f2f2}tr{break-inside:avoid}",
  "pre{background:#f2f2f2;padding:.6rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere}",
  ".blank{border:1px dashed #999;min-height:5rem;padding:.4rem .6rem;color:#555}",
  "@media " +
    "print{body{margin:0;max-width:none;font-size:11px}a{color:inherit}.verdict,th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}",
].join("\n")

/**
 * A page that needs nothing but itself: no script, no file, no address. `mark` stands in its head.
 */
export function html(blocks: readonly Block[], mark: string): string {
  const title = blocks.find((block) => block.kind === "title")?.text ?? "report"
  const head =
    `<meta charset="utf-8">\n` +
    `<meta name="generator" content="${safe(mark)}">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ` +
    `style-src 'unsafe-inline'">\n` +
    `<title>${safe(title)}</title>\n` +
    "<style>\n" +
    `${style}\n` +
    "</style>"
  return (
    "<!DOCTYPE html>\n" +
    `<html lang="en">\n` +
    "<head>\n" +
    `${head}\n` +
    "</head>\n" +
    "<body>\n" +
    `${blocks.map(blockOf).join("\n")}\n` +
    "</body>\n" +
    "</html>\n"
  )
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case "title":
      return `<h1>${safe(block.text)}</h1>`
    case "heading":
      return `<h2>${safe(block.text)}</h2>`
    case "verdict":
      return `<p class="verdict ${block.good ? "good" : "bad"}">${safe(block.text)}</p>`
    case "text":
      return `<p>${safe(block.text)}</p>`
    case "list":
      return `<ul>\n${block.items.map((item) => `<li>${safe(item)}</li>`).join("\n")}\n</ul>`
    case "table":
      return (
        "<table>\n" +
        `<thead><tr>${cells(block.head, "th")}</tr></thead>\n` +
        "<tbody>\n" +
        `${block.rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n")}\n` +
        "</tbody>\n" +
        "</table>"
      )
    case "command":
      return `<pre>${safe(block.lines.join("\n"))}</pre>`
    case "blank":
      return `<div class="blank">${safe(block.message)}</div>`
  }
}

function cells(texts: readonly string[], tag: "th" | "td"): string {
  return texts.map((text) => `<${tag}>${safe(text)}</${tag}>`).join("")
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

function safe(text: string): string {
  return text
    .replace(/([^\P{Cc}\n]|\p{Bidi_Control})+/gu, " ")
    .replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}
