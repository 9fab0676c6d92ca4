/**
 * Made when it is first asked for, and then kept. A schema takes longer to make than to use, and a
 * config names few of them.
 */
export function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined
  return () => (made ??= make())
}
