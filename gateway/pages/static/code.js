/** The field for the code: accepts pasted text, and the code of a text message from the browser (WebOTP). */

const field = document.getElementById("code");
const length = Number(field.dataset.length);

/** Returns the text with digits of any script as ASCII, without separators and directional marks. */
function toAsciiDigits(text) {
  return text
    .normalize("NFKC")
    .replace(/\p{Nd}/gu, valueOfDigit)
    .replace(/[\s\-.\u200e\u200f]/g, "");
}

/** The digits of a script are consecutive code points from 0 to 9, so the value is the distance to the first one. */
function valueOfDigit(digit) {
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0) - value - 1))) value += 1;
  return String(value);
}

field.addEventListener("input", () => {
  const text = toAsciiDigits(field.value);
  if (text !== field.value && text.length <= length) field.value = text;
});

field.addEventListener("paste", (event) => {
  const numbers = toAsciiDigits(event.clipboardData.getData("text")).match(/\d+/g) ?? [];
  const code = numbers.find((digits) => digits.length === length);
  if (code === undefined) return;
  event.preventDefault();
  field.value = code;
});

if ("OTPCredential" in window) {
  const waiting = new AbortController();
  field.form.addEventListener("submit", () => waiting.abort());
  navigator.credentials
    .get({ otp: { transport: ["sms"] }, signal: waiting.signal })
    .then((credential) => {
      if (credential?.code) field.value = credential.code;
    })
    .catch(() => {}); // declined, timed out or not allowed: the person types the code
}
