// openid-client, certified, with signatures checked at every step.
import { createPrivateKey } from 'node:crypto';
import * as client from 'openid-client';
import { enter, given, request, run, visit } from './lib/story.mjs';
import { verified } from './lib/verify.mjs';

async function authentication() {
  if (given.key) {
    const key = await crypto.subtle.importKey('pkcs8', createPrivateKey(given.key).export({ type: 'pkcs8', format: 'der' }), { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign']);
    return client.PrivateKeyJwt({ key, kid: given.kid });
  }
  if (given.basic) return client.ClientSecretBasic(given.secret);
  return given.secret ? client.ClientSecretPost(given.secret) : client.None();
}

const config = await client.discovery(
  new URL(`${given.base}/${given.tenant}/v2.0`), given.client, undefined, await authentication(), { execute: [client.enableNonRepudiationChecks] },
);

async function signIn(more = {}, prepare = undefined) {
  prepare?.(config);
  const verifier = client.randomPKCECodeVerifier(), state = client.randomState(), nonce = client.randomNonce();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirect, scope: given.scope, state, nonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  });
  const came = request(await visit(address.href));
  const answer = came.method === 'GET' ? new URL(came.url) : came;
  return client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: more.max_age ? Number(more.max_age) : undefined });
}

await run({
  async query() {
    const tokens = await signIn();
    return { claims: tokens.claims(), access: (await verified(tokens.access_token, given.audience, given.version)).claims };
  },
  async formPost() {
    return { claims: (await signIn({ response_mode: 'form_post' })).claims() };
  },
  async maxAge() {
    return { claims: (await signIn({ max_age: '300' })).claims() };
  },
  async hybrid() {
    return { claims: (await signIn({ response_mode: 'form_post' }, client.useCodeIdTokenResponseType)).claims() };
  },
  async refresh() {
    const tokens = await signIn();
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
    return { sub: tokens.claims().sub, again: renewed.claims()?.sub, rotated: tokens.refresh_token !== renewed.refresh_token };
  },
  async userInfo() {
    const tokens = await signIn();
    return { info: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), claims: tokens.claims() };
  },
  async device() {
    const begun = await client.initiateDeviceAuthorization(config, { scope: given.scope });
    await enter({ address: begun.verification_uri, code: begun.user_code });
    const tokens = await client.pollDeviceAuthorizationGrant(config, begun);
    return { claims: tokens.claims(), access: (await verified(tokens.access_token, given.audience, given.version)).claims };
  },
  async clientCredentials() {
    const tokens = await client.clientCredentialsGrant(config, { scope: given.scope });
    return { access: (await verified(tokens.access_token, given.audience, given.version)).claims };
  },
  async logout() {
    const tokens = await signIn();
    const address = client.buildEndSessionUrl(config, { post_logout_redirect_uri: given.afterwards, id_token_hint: tokens.id_token, state: 'bye' });
    return { came: await visit(address.href) };
  },
  // Somebody says no, or may not: the library turns what comes back into an error of its own.
  async refused() {
    return { claims: (await signIn(given.more)).claims() };
  },
});
