import type { Server } from "node:http"
import { connect } from "node:net"

/** Makes a server a proxy, too (CONNECT): each name leads to one port of this machine. Gives the names that were asked for. */
export function tunnelAll(server: Server, port: () => number): string[] {
  const names: string[] = []
  server.on("connect", ({ url }, socket) => {
    names.push(String(url))
    const onward = connect(port(), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      socket.pipe(onward).pipe(socket)
    })
    onward.on("error", () => socket.destroy())
    socket.on("error", () => onward.destroy())
  })
  return names
}
