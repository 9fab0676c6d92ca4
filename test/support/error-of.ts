import { AppError } from "../../src/base/error.ts"

/** The AppError that a promise ends in; fails where there is none. */
export async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof AppError)) throw new Error("no AppError was thrown", { cause: error })
  return error
}
