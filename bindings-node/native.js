'use strict';

// Finds the addon of this platform: the file beside this one, or the package of the platform,
// which is an optional dependency of the same version.

const { arch, platform } = process;

/** The names of builds that may run here, in the order in which they are tried. */
function builds() {
  switch (platform) {
    case 'linux':
      return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
    case 'win32':
      return [`win32-${arch}-msvc`];
    default:
      return [`${platform}-${arch}`];
  }
}

function load() {
  const failures = [];
  for (const build of builds()) {
    for (const place of [`./fiscaflow.${build}.node`, `@fiscaflow/engine-${build}`]) {
      try {
        return require(place);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  // What was found and could not be loaded says more than what was not found.
  const cause = failures.find((error) => error.code !== 'MODULE_NOT_FOUND') ?? failures[0];
  throw new Error(`@fiscaflow/engine has no addon for ${platform} on ${arch}`, { cause });
}

module.exports = load();
