// An OpenID provider for the tests (oidc-provider, certified by the OpenID Foundation) on 127.0.0.1, in memory.
// Standard input: one line of JSON with its port and its clients. Whoever signs in says who they are, without a password.
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const lines = createInterface({ input: process.stdin });
const { port, clients, roles } = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
process.stdin.on("end", () => process.exit(0)).resume();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { openid: ["sub", "roles"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["of a test"] },
  features: { backchannelLogout: { enabled: true } },
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }), // else it calls nobody on 127.0.0.1
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, roles: roles[id] ?? [] }) }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
