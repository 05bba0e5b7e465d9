// A server that nobody administers yet.

const chosen = 'several words and a lantern 7';

export const first = {
  async 'nobody administers it'(it) {
    await it.open('/first');
    await it.look('first administrator', 'first-form');
    await it.fill({ code: 'ABCD-EFGH-JKLM-NPQR', login: 'admin', passwd_new: chosen, passwd_again: chosen });
    await it.press('first-submit');
    await it.look('first administrator: wrong code', 'first-error');
    await it.fill({ code: it.given.first.code, login: 'admin', passwd_new: chosen, passwd_again: `${chosen} and more` });
    await it.press('first-submit');
    await it.look('first administrator: passwords differ', 'first-error');
    await it.open('/first/done');
    await it.look('first administrator: done', 'done-title');
  },
};

// Once everybody looked: the only one to be the first.
export async function become(it) {
  await it.open('/first');
  await it.fill({ code: it.given.first.code.toLowerCase(), login: 'admin', passwd_new: chosen, passwd_again: chosen });
  await it.press('first-submit');
  await it.mark('done-title').waitFor();
  const address = new URL(it.page.url()).pathname;
  const gone = await it.open('/first');
  return { address, then: gone.status() };
}
