/** Countries by what people call them: the server takes ISO 3166-1 alpha-3 codes. */

/** Of each country its alpha-2 and its alpha-3 code, without anything between. */
const CODES = [
  "ADANDAEAREAFAFGAGATGAIAIAALALBAMARMAOAGOAQATAARARGASASMATAUTAUAUSAWABWAXALAAZAZEBABIHBBBRBBDBGDBEBELBFBFABGBGRBHBHRBIBDI",
  "BJBENBLBLMBMBMUBNBRNBOBOLBQBESBRBRABSBHSBTBTNBVBVTBWBWABYBLRBZBLZCACANCCCCKCDCODCFCAFCGCOGCHCHECICIVCKCOKCLCHLCMCMRCNCHN",
  "COCOLCRCRICUCUBCVCPVCWCUWCXCXRCYCYPCZCZEDEDEUDJDJIDKDNKDMDMADODOMDZDZAECECUEEESTEGEGYEHESHERERIESESPETETHFIFINFJFJIFKFLK",
  "FMFSMFOFROFRFRAGAGABGBGBRGDGRDGEGEOGFGUFGGGGYGHGHAGIGIBGLGRLGMGMBGNGINGPGLPGQGNQGRGRCGSSGSGTGTMGUGUMGWGNBGYGUYHKHKGHMHMD",
  "HNHNDHRHRVHTHTIHUHUNIDIDNIEIRLILISRIMIMNININDIOIOTIQIRQIRIRNISISLITITAJEJEYJMJAMJOJORJPJPNKEKENKGKGZKHKHMKIKIRKMCOMKNKNA",
  "KPPRKKRKORKWKWTKYCYMKZKAZLALAOLBLBNLCLCALILIELKLKALRLBRLSLSOLTLTULULUXLVLVALYLBYMAMARMCMCOMDMDAMEMNEMFMAFMGMDGMHMHLMKMKD",
  "MLMLIMMMMRMNMNGMOMACMPMNPMQMTQMRMRTMSMSRMTMLTMUMUSMVMDVMWMWIMXMEXMYMYSMZMOZNANAMNCNCLNENERNFNFKNGNGANINICNLNLDNONORNPNPL",
  "NRNRUNUNIUNZNZLOMOMNPAPANPEPERPFPYFPGPNGPHPHLPKPAKPLPOLPMSPMPNPCNPRPRIPSPSEPTPRTPWPLWPYPRYQAQATREREUROROURSSRBRURUSRWRWA",
  "SASAUSBSLBSCSYCSDSDNSESWESGSGPSHSHNSISVNSJSJMSKSVKSLSLESMSMRSNSENSOSOMSRSURSSSSDSTSTPSVSLVSXSXMSYSYRSZSWZTCTCATDTCDTFATF",
  "TGTGOTHTHATJTJKTKTKLTLTLSTMTKMTNTUNTOTONTRTURTTTTOTVTUVTWTWNTZTZAUAUKRUGUGAUMUMIUSUSAUYURYUZUZBVAVATVCVCTVEVENVGVGBVIVIR",
  "VNVNMVUVUTWFWLFWSWSMYEYEMYTMYTZAZAFZMZMBZWZWE",
].join("");
const ENGLISH = "en";
/** What people say, and the lists do not. */
const OTHER_NAMES: Record<string, string> = { uk: "GBR", "great britain": "GBR", england: "GBR", usa: "USA", america: "USA", holland: "NLD" };

interface Country {
  short: string;
  long: string;
  name: string;
  english: string;
}

let known: Country[] | undefined;

function countries(): Country[] {
  if (!known) {
    const own = new Intl.DisplayNames(undefined, { type: "region" });
    const english = new Intl.DisplayNames(ENGLISH, { type: "region" });
    known = (CODES.match(/.{5}/g) ?? []).map((codes) => {
      const short = codes.slice(0, 2);
      return { short, long: codes.slice(2), name: own.of(short) ?? short, english: english.of(short) ?? short };
    });
  }
  return known;
}

/** Without case, accents and outer space. */
function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .trim()
    .toLowerCase();
}

/** The alpha-3 code of a name or a code; null: no country is called so. */
export function countryCode(text: string): string | null {
  const wanted = plain(text);
  const found = countries().find(({ short, long, name, english }) => [short, long, name, english].some((each) => plain(each) === wanted));
  return found?.long ?? OTHER_NAMES[wanted] ?? null;
}

/** A code as it is shown: with the country's name. */
export function countryName(code: string): string {
  return countries().find(({ long }) => long === code)?.name ?? code;
}

/** All names, to choose from. */
export function countryNames(): string[] {
  return countries().map(({ name }) => name);
}
