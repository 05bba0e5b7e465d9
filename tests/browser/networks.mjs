// Device codes that are asked for here and elsewhere, answered in chromium. Runs in a network of its own, where this machine has
// addresses in two networks: { base, host, port, address, near, far, tenant, who, client, scope } on a line, what was seen on the next.
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { post } from './asking.mjs';
import { launch } from './chromium.mjs';

const [line] = await (async () => { for await (const text of createInterface({ input: process.stdin })) return [text]; })();
const given = JSON.parse(line);
const { browser } = await launch({}, [`--host-resolver-rules=MAP ${given.host} ${given.address}`]);
const seen = {};

// The device's own requests, from one address of this machine or another.
const device = (path, fields, from) =>
  post(`https://${given.address}:${given.port}/${given.tenant}/oauth2/v2.0/${path}`, { client_id: given.client, ...fields }, from, { Host: new URL(given.base).host });

// What polling says: `ok` with the tokens, or the error.
async function poll(begun, from) {
  try {
    return { error: 'ok', ...(await device('token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: begun.device_code }, from)) };
  } catch (refused) {
    return { error: JSON.parse(String(refused.message).slice(4)).error };
  }
}

// Somebody types the code and signs in; `act` looks at the page that comes then.
async function answer(begun, act) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const mark = (name) => page.locator(`[data-testid="${name}"]`);
  try {
    await page.goto(begun.verification_uri);
    await page.fill('[name=otc]', begun.user_code);
    await mark('device-submit').click();
    await page.fill('[name=login]', given.who.upn);
    await page.fill('[name=passwd]', given.who.password);
    await mark('signin-submit').click();
    return await act(mark);
  } catch (error) {
    throw new Error(`${error.message}\nat ${page.url()}:\n${(await page.locator('body').innerText().catch(() => '')).slice(0, 800)}`);
  } finally {
    await context.close();
  }
}

async function approve(mark) {
  await mark('device-confirm-title').waitFor();
  const shown = {
    network: await mark('device-confirm-network').getAttribute('data-value'), address: await mark('device-confirm-ip').innerText(),
    risk: await mark('device-confirm-form').getAttribute('data-risk'),
  };
  if (await mark('device-confirm-check').count()) await mark('device-confirm-check').check();
  await mark('device-approve').click();
  await mark('device-done').waitFor();
  return { ...shown, result: await mark('device-done').getAttribute('data-result') };
}

function graph(token, path, method = 'GET', body = undefined) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, Host: new URL(given.base).host, 'Content-Type': 'application/json' };
    const call = request(`https://${given.address}:${given.port}${path}`, { method, rejectUnauthorized: false, family: 4, localAddress: given.near, headers }, (reply) => {
      let text = '';
      reply.on('data', (part) => { text += part; });
      reply.on('end', () => (reply.statusCode < 300 ? resolve(text && JSON.parse(text)) : reject(new Error(`${method} ${path}: ${reply.statusCode} ${text.slice(0, 500)}`))));
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}

try {
  const scope = { scope: given.scope };
  const far = await device('devicecode', scope, given.far);
  seen.elsewhere = await answer(far, async (mark) => {
    await mark('error-code').waitFor();
    return { code: await mark('error-code').innerText(), form: await mark('device-confirm-form').count(), says: await mark('error-message').innerText() };
  });
  seen.elsewhere.poll = (await poll(far, given.far)).error;

  const near = await device('devicecode', scope, given.near);
  seen.here = await answer(near, approve);
  const { error, access_token: token } = await poll(near, given.near);
  seen.here.poll = error;
  seen.log = (await graph(token, '/v1.0/auditLogs/signIns?$filter=' + encodeURIComponent('status/errorCode eq 530032'))).value;

  // The same from elsewhere where the tenant only warns.
  await graph(token, '/v1.0/entrance/signInRules', 'PATCH', { deviceCode: 'on' });
  const warned = await device('devicecode', scope, given.far);
  seen.warned = await answer(warned, approve);
  seen.warned.poll = (await poll(warned, given.far)).error;
} catch (error) {
  seen.why = String(error.message).slice(0, 2000);
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify(seen)}\n`);
