// Tokens under the eyes of a library that has nothing to do with us.
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { given } from './story.mjs';

const published = createRemoteJWKSet(new URL(`${given.base}/${given.tenant}/discovery/v2.0/keys`));

// An access token or id token of this tenant: the signature, the issuer of its version, the audience, the times.
export async function verified(token, audience, version = '1.0') {
  const issuer = version === '1.0' ? `${given.base}/${given.tenant}/` : `${given.base}/${given.tenant}/v2.0`;
  const { payload } = await jwtVerify(token, published, { issuer, audience, algorithms: ['RS256'], requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'oid', 'tid'] });
  if (payload.ver !== version) throw new Error(`version ${payload.ver} instead of ${version}`);
  return { claims: payload, header: decodeProtectedHeader(token) };
}
