// MSAL Node, every flow that it has.
import { ConfidentialClientApplication, CryptoProvider, LogLevel, PublicClientApplication } from '@azure/msal-node';
import { enter, given, run, visit } from './lib/story.mjs';
import { verified } from './lib/verify.mjs';

const authority = `${given.base}/${given.authority ?? given.tenant}`;
const auth = { clientId: given.client, authority, knownAuthorities: [new URL(given.base).host] };
if (given.secret) auth.clientSecret = given.secret;
if (given.certificate) auth.clientCertificate = { thumbprintSha256: given.certificate.sha256, privateKey: given.key, ...(given.certificate.pem ? { x5c: given.certificate.pem } : {}) };
if (given.assertion) auth.clientAssertion = given.assertion;
if (given.capabilities) auth.clientCapabilities = ['CP1'];
const system = { loggerOptions: { logLevel: LogLevel.Error, loggerCallback: (_, text) => process.stderr.write(`${text}\n`) } };
const isConfidential = Boolean(auth.clientSecret || auth.clientCertificate || auth.clientAssertion);
const app = isConfidential ? new ConfidentialClientApplication({ auth, system }) : new PublicClientApplication({ auth, system });
const scopes = given.scope.split(' ');

async function told(result) {
  const access = await verified(result.accessToken, given.audience, given.version);
  return { access: access.claims, header: access.header, id: result.idTokenClaims, account: result.account?.homeAccountId, scopes: result.scopes, cached: result.fromCache, type: result.tokenType };
}

async function signIn(more = {}) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const url = await app.getAuthCodeUrl({ scopes, redirectUri: given.redirect, codeChallenge: challenge, codeChallengeMethod: 'S256', state: 'journey', nonce: 'a-nonce', ...more });
  const came = await visit(url);
  const parameters = came.form ?? Object.fromEntries(new URL(came.url).searchParams);
  if (parameters.state !== 'journey') throw new Error(`the state came back as ${parameters.state}`);
  if (parameters.error) throw Object.assign(new Error(parameters.error_description), { error: parameters.error });
  return app.acquireTokenByCode({ code: parameters.code, scopes, redirectUri: given.redirect, codeVerifier: verifier, clientInfo: parameters.client_info, nonce: 'a-nonce' });
}

await run({
  async code() {
    return told(await signIn({ responseMode: given.mode ?? 'query' }));
  },
  // The library's own listener on a loopback port, and its own browser: ours.
  async interactive() {
    return told(await app.acquireTokenInteractive({ scopes, openBrowser: visit, successTemplate: 'done', errorTemplate: 'failed' }));
  },
  async device() {
    const deviceCodeCallback = ({ verificationUri, userCode }) => { enter({ address: verificationUri, code: userCode }); };
    return told(await app.acquireTokenByDeviceCode({ scopes, deviceCodeCallback }));
  },
  async clientCredentials() {
    const first = await told(await app.acquireTokenByClientCredential({ scopes }));
    const second = await app.acquireTokenByClientCredential({ scopes });
    return { ...first, second: second.fromCache };
  },
  async password() {
    return told(await app.acquireTokenByUsernamePassword({ scopes, username: given.upn, password: given.password }));
  },
  // From the cache, then with the refresh token for another resource, then anew for the first one.
  async silent() {
    const first = given.redirect ? await signIn() : await app.acquireTokenByUsernamePassword({ scopes, username: given.upn, password: given.password });
    const cached = await app.acquireTokenSilent({ scopes, account: first.account });
    const other = await app.acquireTokenSilent({ scopes: given.other.split(' '), account: first.account });
    const anew = await app.acquireTokenSilent({ scopes, account: first.account, forceRefresh: true });
    return { cached: cached.fromCache, anew: anew.fromCache, other: (await verified(other.accessToken, given.otherAudience, given.otherVersion)).claims, account: anew.account.homeAccountId };
  },
  async refreshToken() {
    await signIn();
    const kept = JSON.parse(app.getTokenCache().serialize()).RefreshToken;
    return told(await app.acquireTokenByRefreshToken({ scopes, refreshToken: Object.values(kept)[0].secret }));
  },
  async onBehalfOf() {
    return told(await app.acquireTokenOnBehalfOf({ oboAssertion: given.user, scopes }));
  },
});
