/** Pages are embedded as text when the binary is built. */
declare module "*.md" {
  const text: string
  export default text
}
