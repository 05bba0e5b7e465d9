// @azure/identity, every credential that can reach a token service of one's own.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as identity from '@azure/identity';
import { enter, given, run } from './lib/story.mjs';
import { verified } from './lib/verify.mjs';

const options = { authorityHost: given.base, disableInstanceDiscovery: true };

async function told(credential) {
  const token = await credential.getToken(given.scope, { enableCae: Boolean(given.cae), tenantId: given.tenant });
  const { claims } = await verified(token.token, given.audience, given.version);
  return { access: claims, lives: Math.round((token.expiresOnTimestamp - Date.now()) / 1000), type: token.tokenType };
}

function file(name, text) {
  const path = join(mkdtempSync(join(tmpdir(), 'story-')), name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

await run({
  secret: () => told(new identity.ClientSecretCredential(given.tenant, given.client, given.secret, options)),
  certificate: () => told(new identity.ClientCertificateCredential(given.tenant, given.client, { certificate: given.key + given.certificate.pem }, options)),
  assertion: () => told(new identity.ClientAssertionCredential(given.tenant, given.client, async () => given.assertion, options)),
  workload: () => told(new identity.WorkloadIdentityCredential({ ...options, tenantId: given.tenant, clientId: given.client, tokenFilePath: file('token', `${given.assertion}\n`) })),
  onBehalfOf: () => told(new identity.OnBehalfOfCredential({ ...options, tenantId: given.tenant, clientId: given.client, clientSecret: given.secret, userAssertionToken: given.user })),
  password: () => told(new identity.UsernamePasswordCredential(given.tenant, given.client, given.upn, given.password, options)),
  device: () => told(new identity.DeviceCodeCredential({ ...options, tenantId: given.tenant, clientId: given.client, userPromptCallback: ({ verificationUri, userCode }) => { enter({ address: verificationUri, code: userCode }); } })),
  // Opens `BROWSER`, as any program does.
  browser: () => told(new identity.InteractiveBrowserCredential({ ...options, tenantId: given.tenant, clientId: given.client, redirectUri: given.redirect })),
  cli: () => told(new identity.AzureCliCredential({ tenantId: given.tenant })),
  managed: () => told(new identity.ManagedIdentityCredential(given.client ? { clientId: given.client } : {})),
});
