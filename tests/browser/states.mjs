// Every state of every page of the gate, and the shortest way to it.
import { post } from './asking.mjs';

const S256 = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };

// The address that an application sends somebody to.
export function authorize({ given }, app = given.web, more = {}) {
  return `${given.base}/${given.tenant}/oauth2/v2.0/authorize?` + new URLSearchParams({
    client_id: app.client, response_type: 'code', redirect_uri: app.redirect, scope: 'openid profile', state: 's', nonce: 'n', ...S256, ...more,
  });
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
  async 'welcome'(it) {
    await it.page.goto(`${it.given.base}/welcome`);
    await it.mark('welcome-form').waitFor();
  },
  async 'account picker'(it) {
    await it.page.goto(authorize(it));
    await it.signIn();
    await it.page.waitForURL(`${it.given.web.redirect}**`);
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
    await it.signIn();
    await it.page.waitForURL(`${it.given.web.redirect}**`);
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
