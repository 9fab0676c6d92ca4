import type { Host } from "../base/system/host.ts"

/** What is measured: an act at a service, or a restart until its program is healthy. */
export type Step = "apply" | "login" | "restart" | "revoke"

type Watch = { readonly host: Host; readonly onTook?: (step: Step, ms: number) => void }

/** The same port; how long these of its methods take is told. As it is where no one asks. */
export function timed<Port extends object>(
  port: Port,
  methods: Readonly<Partial<Record<keyof Port, Step>>>,
  watch: Watch,
): Port {
  if (watch.onTook === undefined) return port
  return new Proxy(port, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      const step = methods[key as keyof Port]
      if (step === undefined || typeof value !== "function") return value
      return (...args: readonly unknown[]) =>
        took(step, watch, () => Reflect.apply(value, target, args) as Promise<unknown>)
    },
  })
}

/** Also of an act that fails: that it takes long is then no less of interest. */
export async function took<Result>(
  step: Step,
  { host, onTook }: Watch,
  act: () => Promise<Result>,
): Promise<Result> {
  if (onTook === undefined) return act()
  const began = host.monotonicMs()
  try {
    return await act()
  } finally {
    onTook(step, host.monotonicMs() - began)
  }
}
