// Resolves `./utils` to `./utils.js` or `./utils/index.js`, as the bundlers do for which @civitai/client is published.
const MISSING = new Set(["ERR_MODULE_NOT_FOUND", "ERR_UNSUPPORTED_DIR_IMPORT"]);

export async function resolve(specifier, context, next) {
  for (const ending of ["", ".js"]) {
    try {
      return await next(specifier + ending, context);
    } catch (error) {
      if (!MISSING.has(error.code) || !specifier.startsWith(".")) throw error;
    }
  }
  return next(`${specifier}/index.js`, context);
}
