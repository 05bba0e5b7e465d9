// Every state of every page of the gate, and the shortest way to it.
import { createHmac } from 'node:crypto';
import { post } from './asking.mjs';

const S256 = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };

// The six digits of now (RFC 6238), as an authenticator app shows them.
export function totp(secret) {
  const bits = [...secret.replace(/[\s=]/g, '').toUpperCase()].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  return String((digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

// The address that an application sends somebody to.
export function authorize({ given }, app = given.web, more = {}) {
  return `${given.base}/${given.tenant}/oauth2/v2.0/authorize?` + new URLSearchParams({
    client_id: app.client, response_type: 'code', redirect_uri: app.redirect, scope: 'openid profile', state: 's', nonce: 'n', ...S256, ...more,
  });
}

// Does something that ends at the application, and tells the address it was sent to. Nobody lives there: a request is all that leaves.
export async function answered({ page, given }, act) {
  const [request] = await Promise.all([page.waitForRequest((one) => one.url().startsWith(given.web.redirect)), act()]);
  await page.waitForEvent('requestfailed', { timeout: 3000 }).catch(() => {});
  return request.url();
}

// A device asks for a code, from the address of this machine or another one of it.
export const begin = ({ given }, app = given.aks, from = undefined) =>
  post(`${given.base}/${given.tenant}/oauth2/v2.0/devicecode`, { client_id: app.client, scope: app.scope }, from);

async function typed(it, app, from) {
  const { user_code: code, verification_uri: address } = await begin(it, app, from);
  await it.page.goto(address);
  await it.page.fill('[name=otc]', code);
  await it.mark('device-submit').click();
}

async function asked(it, app, from) {
  await typed(it, app, from);
  await it.signIn();
  await it.mark('device-confirm-title').waitFor();
}

async function decide(it, what) {
  const box = it.mark('device-confirm-check');
  if (await box.count()) await box.check();
  await it.mark(what).click();
}

export const states = {
  async 'sign-in'(it) {
    await it.page.goto(authorize(it));
    await it.mark('signin-form').waitFor();
  },
  async 'sign-in: hinted'(it) {
    await it.page.goto(authorize(it, it.given.web, { login_hint: 'nobody@contoso.example' }));
    await it.mark('signin-form').waitFor();
  },
  async 'sign-in: wrong'(it) {
    await it.page.goto(authorize(it));
    await it.signIn({ upn: `nobody-${it.round}@contoso.example`, password: 'not the password' });
    await it.mark('signin-error').waitFor();
  },
  async 'sign-in: paused'(it) {
    if (!['en', 'no-script'].includes(it.round)) return 'absent';
    const { upn } = it.person('paused');
    const wrong = (n) => ({ grant_type: 'password', client_id: it.given.aks.client, username: upn, password: `wrong ${n}`, scope: 'openid' });
    for (let n = 0; n < 11; n += 1) await post(`${it.given.base}/${it.given.tenant}/oauth2/v2.0/token`, wrong(n), `127.0.7.${1 + Math.floor(Math.random() * 250)}`).catch(() => {});
    await it.page.goto(authorize(it));
    await it.signIn(it.person('paused'));
    await it.mark('signin-error').waitFor();
  },
  async 'sign-in: too old'(it) {
    await it.page.goto(`${it.given.base}/signin?flow=gone`);
    await it.mark('error-title').waitFor();
  },
  async 'password change'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('changing'));
    await it.mark('password-new').waitFor();
  },
  async 'password change: refused'(it) {
    const { password } = it.person('changing');
    await it.page.goto(authorize(it));
    await it.signIn(it.person('changing'));
    for (const [name, value] of Object.entries({ passwd_old: password, passwd_new: 'password1234', passwd_again: 'password1234' })) await it.page.fill(`[name=${name}]`, value);
    await it.mark('password-submit').click();
    await it.mark('password-error').waitFor();
  },
  async 'second factor: enrolment'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.mark('enroll-secret').waitFor();
  },
  async 'second factor: enrolment refused'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.page.fill('[name=totp]', '000000');
    await it.mark('enroll-submit').click();
    await it.mark('mfa-error').filter({ hasText: /./ }).waitFor();
  },
  async 'second factor: recovery codes'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.page.fill('[name=totp]', totp(await it.mark('enroll-secret').innerText()));
    await it.mark('enroll-submit').click();
    await it.mark('recovery-codes').waitFor();
  },
  // From here on this person has one.
  async 'second factor'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.mark('mfa-code').waitFor();
  },
  async 'second factor: wrong'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.page.fill('[name=totp]', '000000');
    await it.mark('mfa-submit').click();
    await it.mark('mfa-error').filter({ hasText: /./ }).waitFor();
  },
  async 'second factor: recovery'(it) {
    await it.page.goto(authorize(it));
    await it.signIn(it.person('demanded'));
    await it.mark('mfa-recovery').click();
    await it.mark('mfa-recovery-code').waitFor();
  },
  async 'me'(it) {
    await it.page.goto(`${it.given.base}/me`);
    await it.signIn(it.person('enrolling'));
    await it.mark('me-sessions').waitFor();
  },
  async 'me: another factor'(it) {
    await it.page.goto(`${it.given.base}/me`);
    await it.signIn(it.person('enrolling'));
    await it.mark('totp-add').click();
    await it.mark('enroll-secret').waitFor();
  },
  async 'welcome'(it) {
    await it.page.goto(`${it.given.base}/welcome`);
    await it.mark('welcome-form').waitFor();
  },
  async 'account picker'(it) {
    await it.page.goto(authorize(it));
    await answered(it, () => it.signIn());
    await it.page.goto(authorize(it, it.given.web, { prompt: 'select_account' }));
    await it.mark('account-list').waitFor();
  },
  async 'device: code'(it) {
    await it.page.goto(`${it.given.base}/devicelogin`);
    await it.mark('device-form').waitFor();
  },
  // Five in ten minutes are the most that one address may type, whoever types them.
  async 'device: wrong code'(it) {
    if (!['en', 'no-script'].includes(it.round)) return 'absent';
    await it.page.goto(`${it.given.base}/devicelogin`);
    await it.page.fill('[name=otc]', 'BCDFGHJKL');
    await it.mark('device-submit').click();
    await it.mark('device-error').waitFor();
  },
  async 'device: sign-in'(it) {
    await typed(it);
    await it.mark('signin-form').waitFor();
  },
  async 'device: question'(it) {
    await asked(it);
  },
  async 'device: approved'(it) {
    await asked(it);
    await decide(it, 'device-approve');
    await it.page.locator('[data-testid="device-done"][data-result="approved"]').waitFor();
  },
  async 'device: stopped'(it) {
    await asked(it);
    await decide(it, 'device-deny');
    await it.page.locator('[data-testid="device-done"][data-result="denied"]').waitFor();
  },
  async 'device: reported'(it) {
    await asked(it);
    await decide(it, 'device-deny');
    await it.mark('device-report').click();
    await it.page.waitForLoadState();
  },
  async 'form post without script'(it) {
    if (it.hasScript) return 'absent';
    await it.page.goto(authorize(it, it.given.web, { response_mode: 'form_post' }));
    await it.signIn();
    await it.mark('formpost-continue').waitFor();
  },
  async 'consent'(it) {
    await it.page.goto(authorize(it, it.given.consent, { scope: it.given.consent.scope }));
    await it.signIn(it.person('asked'));
    await it.mark('consent-accept').waitFor();
  },
  async 'consent: for everybody'(it) {
    await it.page.goto(authorize(it, it.given.consent, { scope: it.given.consent.scope }));
    await it.signIn(it.given.people.admin.any);
    await it.mark('consent-org').waitFor();
  },
  async 'consent: an administrator is needed'(it) {
    await it.page.goto(authorize(it, it.given.consent, { scope: 'openid https://graph.microsoft.com/Directory.Read.All' }));
    await it.signIn(it.person('asked'));
    await it.mark('consent-cancel').waitFor();
  },
  async 'sign-out: question'(it) {
    await it.page.goto(authorize(it));
    await answered(it, () => it.signIn());
    await it.page.goto(`${it.given.base}/${it.given.tenant}/oauth2/v2.0/logout`);
    await it.page.locator('[data-testid="signout-confirm"], [data-testid="signedout-title"]').first().waitFor();
  },
  async 'signed out'(it) {
    await it.page.goto(`${it.given.base}/${it.given.tenant}/oauth2/v2.0/logout`);
    await it.mark('signedout-title').waitFor();
  },
  async 'error: the application is unknown'(it) {
    await it.page.goto(authorize(it, { client: '11111111-1111-4111-8111-111111111111', redirect: 'https://nowhere.example' }));
    await it.mark('error-title').waitFor();
  },
  async 'error: no page here'(it) {
    await it.page.goto(`${it.given.base}/no/such/page`);
    await it.mark('error-title').waitFor();
  },
  async 'error: explained'(it) {
    await it.page.goto(`${it.given.base}/error?code=50011`);
    await it.page.locator('h1').waitFor();
  },
  async 'error: not a number'(it) {
    await it.page.goto(`${it.given.base}/error?code=<b>`);
    await it.page.locator('h1').waitFor();
  },
};
