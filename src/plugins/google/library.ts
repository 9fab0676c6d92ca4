/**
 * What is used of Google's own library, which is no ES module: loaded by an import() of this file.
 * An import() of such a package itself can break in the minified bundle: Bun 1.4.5 may give a
 * helper and its argument the same name.
 */
export {
  BaseExternalAccountClient,
  Compute,
  gaxios,
  GoogleAuth,
  Impersonated,
  JWT,
  UserRefreshClient,
} from "google-auth-library"
