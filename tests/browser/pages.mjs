// Pictures of the sign-in page and the device pages of a running demo: node pages.mjs FOLDER
import { request } from 'node:https';
import { launch } from './chromium.mjs';

const [folder] = process.argv.slice(2);
const { ENTRANCE_URL, TENANT, USER_UPN, USER_PASSWORD } = process.env;
const AZ = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const base = ENTRANCE_URL.replace(/\/$/, '');

const { browser, context } = await launch();
const page = await context.newPage();
const shot = (name) => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
const mark = (name) => page.locator(`[data-testid="${name}"]`);

await page.goto(`${base}/${TENANT}/oauth2/v2.0/authorize?` + new URLSearchParams({
  client_id: AZ, response_type: 'code', redirect_uri: 'http://localhost:1', response_mode: 'form_post', scope: 'openid profile',
  state: 'picture', nonce: 'picture', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
}));
await shot('sign-in');
await page.fill('[name=login]', USER_UPN);
await page.fill('[name=passwd]', 'not the password');
await mark('signin-submit').click();
await mark('signin-error').waitFor();
await shot('sign-in-refused');

const { user_code: code, verification_uri: address } = await post(`${base}/${TENANT}/oauth2/v2.0/devicecode`, { client_id: AZ, scope: 'openid profile offline_access' });
await context.clearCookies();
await page.goto(address);
await shot('device');
await page.fill('[name=otc]', code);
await mark('device-submit').click();
await page.fill('[name=login]', USER_UPN);
await page.fill('[name=passwd]', USER_PASSWORD);
await mark('signin-submit').click();
await mark('device-confirm-title').waitFor();
await shot('device-confirm');
await mark('device-deny').click();
await mark('device-done').waitFor();
await shot('device-stopped');

const dark = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
const narrow = await dark.newPage();
await narrow.goto(address);
await narrow.screenshot({ path: `${folder}/device-narrow-dark.png` });
await browser.close();

function post(url, fields) {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', rejectUnauthorized: false, headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'User-Agent': 'AZURECLI/2.91.0 (PIP)' } }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    call.on('error', reject);
    call.end(new URLSearchParams(fields).toString());
  });
}
