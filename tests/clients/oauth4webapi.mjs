// oauth4webapi, strict: every answer of the server is checked against the specifications' words.
import { createPrivateKey } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { enter, given, request, run, visit } from './lib/story.mjs';
import { verified } from './lib/verify.mjs';

const issuer = new URL(`${given.base}/${given.tenant}/v2.0`);
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
const client = { client_id: given.client };

async function authentication() {
  if (given.key) {
    const key = await crypto.subtle.importKey('pkcs8', createPrivateKey(given.key).export({ type: 'pkcs8', format: 'der' }), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
    return oauth.PrivateKeyJwt({ key, kid: given.kid });
  }
  if (given.basic) return oauth.ClientSecretBasic(given.secret);
  return given.secret ? oauth.ClientSecretPost(given.secret) : oauth.None();
}

// One sign-in by authorization code with PKCE; `more` goes into the request.
async function signIn(more = {}, validate = oauth.validateAuthResponse) {
  const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
  const address = new URL(server.authorization_endpoint);
  address.search = new URLSearchParams({
    client_id: client.client_id, response_type: 'code', redirect_uri: given.redirect, scope: given.scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  });
  const came = await visit(address.href);
  const parameters = came.form ? new URLSearchParams(came.form) : new URL(came.url);
  if (validate === oauth.validateAuthResponse) {
    return redeem(validate(server, client, parameters, state), verifier, nonce, more);
  }
  const checked = await validate(server, client, came.form ? request(came) : parameters, nonce, state);
  return redeem(checked, verifier, nonce, more);
}

async function redeem(parameters, verifier, nonce, more) {
  const answer = await oauth.authorizationCodeGrantRequest(server, client, await authentication(), parameters, given.redirect, verifier);
  const maxAge = more.max_age ? Number(more.max_age) : undefined;
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, { expectedNonce: nonce, requireIdToken: true, maxAge });
  await oauth.validateApplicationLevelSignature(server, answer);
  return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens), parameters: Object.fromEntries(parameters) };
}

async function refresh(tokens) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, await authentication(), tokens.refresh_token);
  const renewed = await oauth.processRefreshTokenResponse(server, client, answer);
  if (renewed.id_token) await oauth.validateApplicationLevelSignature(server, answer);
  return renewed;
}

await run({
  async query() {
    const { tokens, claims, parameters } = await signIn();
    const access = await verified(tokens.access_token, given.audience, given.version);
    return { claims, parameters, access: access.claims, scope: tokens.scope, refresh: Boolean(tokens.refresh_token) };
  },
  async formPost() {
    const { claims, parameters } = await signIn({ response_mode: 'form_post' });
    return { claims, parameters };
  },
  async maxAge() {
    return { claims: (await signIn({ max_age: '300' })).claims };
  },
  async hybrid() {
    const { claims } = await signIn({ response_type: 'code id_token', response_mode: 'form_post' }, oauth.validateCodeIdTokenResponse);
    return { claims };
  },
  async hybridFragment() {
    const { claims } = await signIn({ response_type: 'code id_token' }, oauth.validateCodeIdTokenResponse);
    return { claims };
  },
  // The answer names its issuer; a client that talks to two servers notices a mix-up.
  async mixUp() {
    const state = oauth.generateRandomState();
    const address = new URL(server.authorization_endpoint);
    address.search = new URLSearchParams({ client_id: client.client_id, response_type: 'code', redirect_uri: given.redirect, scope: given.scope, state, nonce: 'n', code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()), code_challenge_method: 'S256' });
    const came = new URL((await visit(address.href)).url);
    oauth.validateAuthResponse(server, client, came, state);
    try {
      oauth.validateAuthResponse({ ...server, issuer: 'https://elsewhere.example/v2.0' }, client, came, state);
    } catch (error) {
      return { iss: came.searchParams.get('iss'), refused: error.message };
    }
    return { refused: null };
  },
  async refresh() {
    const { tokens, claims } = await signIn();
    const first = await refresh(tokens);
    const second = await refresh(first);
    return { sub: claims.sub, again: oauth.getValidatedIdTokenClaims(second)?.sub, rotated: new Set([tokens.refresh_token, first.refresh_token, second.refresh_token]).size };
  },
  async userInfo() {
    const { tokens, claims } = await signIn();
    const answer = await oauth.userInfoRequest(server, client, tokens.access_token);
    return { info: await oauth.processUserInfoResponse(server, client, claims.sub, answer), claims };
  },
  async device() {
    const begun = await oauth.processDeviceAuthorizationResponse(server, client, await oauth.deviceAuthorizationRequest(server, client, await authentication(), { scope: given.scope }));
    await enter({ address: begun.verification_uri, code: begun.user_code });
    const answer = await oauth.deviceCodeGrantRequest(server, client, await authentication(), begun.device_code);
    const tokens = await oauth.processDeviceCodeResponse(server, client, answer);
    if (tokens.id_token) await oauth.validateApplicationLevelSignature(server, answer);
    return { claims: oauth.getValidatedIdTokenClaims(tokens), access: (await verified(tokens.access_token, given.audience, given.version)).claims };
  },
  async devicePending() {
    const begun = await oauth.processDeviceAuthorizationResponse(server, client, await oauth.deviceAuthorizationRequest(server, client, await authentication(), { scope: given.scope }));
    await oauth.processDeviceCodeResponse(server, client, await oauth.deviceCodeGrantRequest(server, client, await authentication(), begun.device_code));
  },
  async clientCredentials() {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, await authentication(), { scope: given.scope });
    const tokens = await oauth.processClientCredentialsResponse(server, client, answer);
    return { access: (await verified(tokens.access_token, given.audience, given.version)).claims, members: Object.keys(tokens).sort() };
  },
  async refused() {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, await authentication(), { scope: given.scope });
    return oauth.processClientCredentialsResponse(server, client, answer);
  },
  async metadata() {
    return server;
  },
});
