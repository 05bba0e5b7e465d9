// How a person may meet the pages. Each round reaches every state anew; its views only change the window and the light.
const WIDE = { width: 1000, height: 800 }, NARROW = { width: 320, height: 640 };

export const ROUNDS = [
  { name: 'en', context: { locale: 'en-GB' }, views: { light: [WIDE, 'light'], dark: [WIDE, 'dark'], '320px': [NARROW, 'light'] } },
  { name: 'no-script', context: { locale: 'en-GB', javaScriptEnabled: false }, views: { '320px': [NARROW, 'light'] } },
  { name: 'en-XA', context: { locale: 'en-XA' }, views: { '320px': [NARROW, 'dark'] } },
];
